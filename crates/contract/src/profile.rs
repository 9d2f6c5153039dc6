//! The profile of a user beside name, contact data and status: a wire type of the control API, stored unchanged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Profile fields that the contact operations show. An absent field was never set; each operation defines what it
/// answers then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Profile {
    /// English name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub en_name: Option<String>,
    /// Nickname.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// Image key of the avatar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_key: Option<String>,
    /// Self-description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// 0 secret, 1 male, 2 female, 3 other.
    #[schemars(range(min = 0, max = 3))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<i64>,
    /// The language of the user's client: `zh_cn`, `en_us` or `ja_jp`.
    #[schemars(extend("enum" = ["", "zh_cn", "en_us", "ja_jp"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Country or region, as a code such as `CN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Work location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_station: Option<String>,
    /// Job title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_title: Option<String>,
    /// Join date, in seconds since 1970.
    #[schemars(range(min = 0, max = 253_402_300_799_i64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join_time: Option<i64>,
    /// Whether the user is a super administrator of the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_tenant_manager: Option<bool>,
    /// 1 regular, 2 intern, 3 outsourced, 4 contract, 5 consultant; larger numbers are types that the tenant defines.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_type: Option<i64>,
    /// Employee number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_no: Option<String>,
    /// Email address at the tenant's own mail service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enterprise_email: Option<String>,
    /// The user_id of the direct leader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leader_user_id: Option<String>,
    /// The user_ids of dotted-line leaders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dotted_line_leader_user_ids: Option<Vec<String>>,
    /// Custom fields of the tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_attrs: Option<Vec<CustomAttr>>,
}

/// A custom field of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomAttr {
    /// `TEXT`, `HREF`, `ENUMERATION`, `PICTURE_ENUM` or `GENERIC_USER`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Id of the field.
    pub id: String,
    /// Its value.
    pub value: CustomValue,
}

/// The value of a custom field. Its members depend on the type of the field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CustomValue {
    /// Text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// URL on mobile devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// URL on desktops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pc_url: Option<String>,
    /// Id of the selected option.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub option_id: Option<String>,
    /// Text of the selected option.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub option_value: Option<String>,
    /// Name of the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// URL of the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture_url: Option<String>,
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generic_user: Option<GenericUser>,
}

/// A user as the value of a custom field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GenericUser {
    /// The user: stored as user_id, answered in the form that the call asks for.
    pub id: String,
    /// 1: a user.
    #[serde(rename = "type")]
    #[schemars(range(min = 1, max = 1))]
    pub kind: i64,
}

impl Profile {
    /// Merges these fields over older ones: an absent field is unchanged, an empty text or list clears it.
    #[must_use]
    pub fn over(self, old: Profile) -> Profile {
        fn text(new: Option<String>, old: Option<String>) -> Option<String> {
            new.or(old).filter(|text| !text.is_empty())
        }
        fn list<T>(new: Option<Vec<T>>, old: Option<Vec<T>>) -> Option<Vec<T>> {
            new.or(old).filter(|list| !list.is_empty())
        }
        Profile {
            en_name: text(self.en_name, old.en_name),
            nickname: text(self.nickname, old.nickname),
            avatar_key: text(self.avatar_key, old.avatar_key),
            description: text(self.description, old.description),
            gender: self.gender.or(old.gender),
            locale: text(self.locale, old.locale),
            city: text(self.city, old.city),
            country: text(self.country, old.country),
            work_station: text(self.work_station, old.work_station),
            job_title: text(self.job_title, old.job_title),
            join_time: self.join_time.or(old.join_time),
            is_tenant_manager: self.is_tenant_manager.or(old.is_tenant_manager),
            employee_type: self.employee_type.or(old.employee_type),
            employee_no: text(self.employee_no, old.employee_no),
            enterprise_email: text(self.enterprise_email, old.enterprise_email),
            leader_user_id: text(self.leader_user_id, old.leader_user_id),
            dotted_line_leader_user_ids: list(
                self.dotted_line_leader_user_ids,
                old.dotted_line_leader_user_ids,
            ),
            custom_attrs: list(self.custom_attrs, old.custom_attrs),
        }
    }

    /// The user_ids in custom fields.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        let attrs = self.custom_attrs.iter().flatten();
        attrs.filter_map(|attr| attr.value.generic_user.as_ref().map(|user| user.id.as_str()))
    }

    /// The user_ids of all users in this profile: leaders of both kinds, and users in custom fields.
    pub fn people(&self) -> impl Iterator<Item = &str> {
        let dotted = self.dotted_line_leader_user_ids.iter().flatten();
        self.leader_user_id.iter().chain(dotted).map(String::as_str).chain(self.named())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_fields_are_unchanged_and_empty_ones_cleared() {
        let old = Profile {
            city: Some("Bern".to_owned()),
            job_title: Some("cook".to_owned()),
            gender: Some(2),
            dotted_line_leader_user_ids: Some(vec!["a".to_owned()]),
            ..Profile::default()
        };
        assert_eq!(Profile::default().over(old.clone()), old);
        let new = Profile {
            city: Some(String::new()),
            gender: Some(0),
            employee_no: Some("7".to_owned()),
            dotted_line_leader_user_ids: Some(Vec::new()),
            ..Profile::default()
        };
        let expected = Profile {
            job_title: Some("cook".to_owned()),
            gender: Some(0),
            employee_no: Some("7".to_owned()),
            ..Profile::default()
        };
        assert_eq!(new.over(old), expected);
    }

    #[test]
    fn unset_fields_are_not_written() {
        assert_eq!(serde_json::to_string(&Profile::default()).expect("JSON"), "{}");
        assert_eq!(serde_json::from_str::<Profile>("{}").expect("read"), Profile::default());
    }
}
