//! The fields of users that a caller may see.

use std::collections::HashMap;

use larkspur_contract::model::{UserIdType, UserStatus};
use larkspur_contract::profile::{CustomAttr, Profile};
use larkspur_contract::scopes::{
    CONTACT_ACCESS_AS_APP, CONTACT_AS_APP, CONTACT_DEPARTMENT, CONTACT_DOTTED_LINE, CONTACT_EMAIL,
    CONTACT_EMPLOYEE, CONTACT_EMPLOYEE_ID, CONTACT_EMPLOYEE_NUMBER, CONTACT_GENDER, CONTACT_PHONE,
    CONTACT_READONLY, CONTACT_USER_BASE,
};
use larkspur_contract::{Fault, codes};
use larkspur_store::users::{self, User};
use larkspur_store::{Tx, directory};

use super::fields::{Avatar, Order, UserInfo};
use super::{ROOT, Status};
use crate::rules::images::avatar_sized;
use crate::{Call, translate};

/// The fields of users that the caller may see.
struct May {
    base: bool,
    employee: bool,
    employee_no: bool,
    department: bool,
    dotted: bool,
    gender: bool,
    email: bool,
    mobile: bool,
    user_id: bool,
}

impl May {
    fn of(call: &Call) -> Self {
        let broad = [CONTACT_READONLY, CONTACT_AS_APP, CONTACT_ACCESS_AS_APP];
        let broad = broad.iter().any(|scope| call.has_scope(scope));
        let employee = broad || call.has_scope(CONTACT_EMPLOYEE);
        let user_id = translate::form(call, Some(UserIdType::UserId), codes::CONTACT_PARAM_INVALID);
        May {
            base: broad || call.has_scope(CONTACT_USER_BASE),
            employee,
            employee_no: employee || call.has_scope(CONTACT_EMPLOYEE_NUMBER),
            department: broad || call.has_scope(CONTACT_DEPARTMENT),
            dotted: call.has_scope(CONTACT_DOTTED_LINE),
            gender: broad || call.has_scope(CONTACT_GENDER),
            email: call.has_scope(CONTACT_EMAIL),
            mobile: call.has_scope(CONTACT_PHONE),
            user_id: user_id.is_ok() && call.has_scope(CONTACT_EMPLOYEE_ID),
        }
    }
}

/// Users in their order, with the fields that the caller may see. Ids of leaders and of users in custom fields have the
/// form that the request asks for.
///
/// With `batch`, each has the two members that only `users/batch` answers.
pub(super) async fn show(
    tx: &mut Tx,
    call: &Call,
    people: &[User],
    form: UserIdType,
    batch: bool,
) -> Result<Vec<UserInfo>, Fault> {
    let may = May::of(call);
    let mut profiles = directory::profiles(tx, people.iter().map(|user| user.user_id.as_str())).await?;
    let mut ids = HashMap::new();
    if may.department || may.dotted || may.employee {
        let named = users::by_ids(tx, profiles.values().flat_map(Profile::people)).await?;
        let keys = &tx.engine().keys;
        let id = |user: &User| (user.user_id.clone(), translate::user_id(keys, call, user, form));
        ids = named.iter().map(id).collect();
    }
    let one = |user: &User| {
        let profile = profiles.remove(&user.user_id).unwrap_or_default();
        let key = profile.avatar_key.clone().unwrap_or_default();
        let mut shown = shown(tx, call, &may, user, profile, &ids);
        if batch {
            shown.avatar_key = may.base.then_some(key);
            shown.is_frozen = may.employee.then_some(user.status == UserStatus::Frozen);
        }
        shown
    };
    Ok(people.iter().map(one).collect())
}

fn shown(
    tx: &Tx,
    call: &Call,
    may: &May,
    user: &User,
    profile: Profile,
    ids: &HashMap<String, String>,
) -> UserInfo {
    let keys = &tx.engine().keys;
    let text = |may: bool, text: Option<String>| may.then(|| text.unwrap_or_default());
    let leader = |id: &String| ids.get(id).cloned();
    let dotted = profile.dotted_line_leader_user_ids.iter().flatten().filter_map(leader);
    let dotted: Vec<String> = dotted.collect();
    UserInfo {
        avatar: may.base.then(|| avatar(profile.avatar_key.as_deref().unwrap_or_default())),
        avatar_key: None,
        city: text(may.employee, profile.city),
        country: text(may.employee, profile.country),
        custom_attrs: may.employee.then(|| attrs(profile.custom_attrs.unwrap_or_default(), ids)),
        department_ids: may.department.then_some([ROOT]),
        description: text(may.employee, profile.description),
        dotted_line_leader_user_ids: Some(dotted).filter(|ids| may.dotted && !ids.is_empty()),
        email: text(may.email, user.email.clone()),
        employee_no: text(may.employee_no, profile.employee_no),
        employee_type: may.employee.then(|| profile.employee_type.unwrap_or(1)),
        en_name: text(may.base, profile.en_name),
        enterprise_email: profile.enterprise_email.filter(|_| may.employee),
        gender: may.gender.then(|| profile.gender.unwrap_or(0)),
        is_frozen: None,
        is_tenant_manager: may.employee.then(|| profile.is_tenant_manager.unwrap_or(false)),
        job_title: text(may.employee, profile.job_title),
        join_time: may.employee.then(|| profile.join_time.unwrap_or(0)),
        leader_user_id: profile.leader_user_id.as_ref().filter(|_| may.department).and_then(leader),
        mobile: text(may.mobile, user.mobile.clone()),
        mobile_visible: true,
        name: may.base.then(|| user.name.clone()),
        nickname: profile.nickname.filter(|_| may.base),
        open_id: translate::user_id(keys, call, user, UserIdType::OpenId),
        orders: may.department.then_some([Order { department_id: ROOT, department_order: 1, user_order: 0 }]),
        status: may.employee.then(|| Status::of(user)),
        union_id: translate::user_id(keys, call, user, UserIdType::UnionId),
        user_id: may.user_id.then(|| user.user_id.clone()),
        work_station: text(may.employee, profile.work_station),
    }
}

/// Custom fields, with users named in the caller's form and without deleted users.
fn attrs(mut all: Vec<CustomAttr>, ids: &HashMap<String, String>) -> Vec<CustomAttr> {
    all.retain_mut(|attr| match &mut attr.value.generic_user {
        None => true,
        Some(user) => match ids.get(&user.id) {
            None => false,
            Some(id) => {
                user.id.clone_from(id);
                true
            }
        },
    });
    all
}

fn avatar(key: &str) -> Avatar {
    Avatar {
        avatar_240: avatar_sized(key, "240x240"),
        avatar_640: avatar_sized(key, "640x640"),
        avatar_72: avatar_sized(key, "72x72"),
        avatar_origin: avatar_sized(key, "noop"),
    }
}
