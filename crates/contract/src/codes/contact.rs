//! Users and departments (`contact`).

use super::Code;

codes! {
    CONTACT_PARAM_INVALID = 40001, 400, "invalid parameter";
    CONTACT_BODY_INVALID = 40001, 400, "param is invalid";
    CONTACT_INTERNAL = 40003, 400, "internal error";
    CONTACT_NO_DEPARTMENTS_AUTHORITY = 40004, 403, "no dept. authority";
    CONTACT_NO_DEPARTMENT_AUTHORITY = 40004, 403, "no dept authority error";
    CONTACT_PAGE_SIZE_INVALID = 40011, 400, "page size is invalid";
    CONTACT_PAGE_TOKEN_INVALID = 40012, 400, "page token is invalid error";
    CONTACT_USER_ID_INVALID = 41012, 400, "user id invalid error";
    CONTACT_NO_USER_AUTHORITY = 41050, 400, "no user authority";
    CONTACT_NO_USERS_AUTHORITY = 41050, 400, "no user authority error";
}
