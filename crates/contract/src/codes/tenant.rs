//! The tenant (`tenant`), and the IP addresses that events come from (`event`).

use super::Code;

codes! {
    TENANT_UNKNOWN = 1184000, 404, "企业不存在";
    TENANT_DENIED = 1184001, 403, "无权限获取企业信息";
    OUTBOUND_PARAM_INVALID = 1810001, 400, "param is invalid";
}
