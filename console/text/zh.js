// 页面的中文文字。键与 en.js 相同；`{name}` 会被替换。
/** @type {Record<string, string>} */
export default {
  // app
  'app.skip': '跳到正文',
  'app.screens': '页面',
  'app.world': '世界',
  'app.viewer': '以谁的身份查看和操作',
  'app.as': '身份',
  'app.frozen': '[已冻结]',
  'app.clockTitle': '世界时间（+08:00）：{moment}。点击可调整时钟',
  'app.theme': '主题',
  'app.theme.system': '跟随系统',
  'app.theme.light': '浅色',
  'app.theme.dark': '深色',
  'app.otherLanguage': '切换到英文',
  'app.help': '快捷键',
  'app.keysOn': '启用单键快捷键（输入框内无效）',
  'app.everywhere': '全局',
  'app.palette': '全部操作',
  'app.palettePlaceholder': '输入要做的事',
  'app.goTo': '前往{screen}',
  'app.toWorld': '世界：{world}',
  'app.seeAs': '以 {user} 的身份查看',
  'app.signOut': '退出登录',
  'app.stream.off': '未订阅',
  'app.stream.live': '实时',
  'app.stream.rate': '实时 {n} 次/秒',
  'app.stream.paused': '已暂停',
  'app.stream.lost': '连接断开，正在重连',
  'app.stream.missed': '漏收 {n} 条',
  'app.done': '{what}：完成',
  'app.notDone': '{what}：{why}',
  'app.missing': '此服务器还没有操作 {operation}，新版本可能提供。',
  'app.gone': '服务器没有响应，它还在运行吗？',
  'app.close': '关闭',
  'app.cancel': '取消',
  'app.copy': '复制',
  'app.copied': '已复制',
  'app.asCode': '代码',
  'app.nothing': '没有可显示的内容',
  'app.more': '再显示 {n} 项',
  'app.asJson': '按 JSON 查看',
  'app.same': '所有字段都相同',
  'app.diff': '差异',
  'app.field': '字段',
  'app.required': '必填',
  'app.notNumber': '请输入数字',
  'app.notJson': '不是合法的 JSON：{why}',
  'app.gateHow': '控制台供运行服务器的人使用。请打开服务器启动时打印的链接，每个链接只能用一次；需要新链接时运行：',
  'app.gateKey': '链接或控制密钥',
  'app.gateOpen': '打开控制台',
  'app.gateSlow': '尝试次数过多，请等一分钟。',
  'app.gateLinkUsed': '链接已被使用或已过期。运行 larkspur console 获取新链接。',
  'app.gateWrongKey': '这不是此服务器的控制密钥。',
  'time.ms': '{n} 毫秒',
  'time.s': '{n} 秒',
  'time.min': '{n} 分钟',
  'time.h': '{n} 小时',
  'time.d': '{n} 天',
  'time.in': '{span}后',
  'time.ago': '{span}前',
  'time.both': '世界时间 {world} · 真实时间 {real}',
  'status.ok': '成功',
  'status.soft': '已放行',
  'status.refused': '拒绝',
  'status.failed': '失败',
  'status.injected': '注入',
  'status.cut': '中断',
  'status.unrouted': '未知路径',
  'status.waiting': '等待中',
  'status.delivered': '已送达',
  'status.dropped': '已丢弃',
  'status.held': '已暂存',
  'status.not_sent': '未推送',
  'status.info': '信息',

  // chat
  'chat.title': '聊天',

  // card

  // traffic
  'traffic.title': '流量',

  // events
  'events.title': '事件',

  // apps
  'apps.title': '应用与权限',

  // faults
  'faults.title': '故障与限频',

  // worlds
  'worlds.title': '世界与时间',

  // login
  'login.title': '登录',

  // coverage
  'coverage.title': '覆盖情况',

  // why
};
