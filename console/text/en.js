// The words of the page in English. Keys are sorted by screen; `{name}` is filled in.
/** @type {Record<string, string>} */
export default {
  // app
  'app.skip': 'Skip to the content',
  'app.screens': 'Screens',
  'app.world': 'World',
  'app.viewer': 'Person as whom you look and act',
  'app.as': 'as',
  'app.frozen': '[frozen]',
  'app.clockTitle': 'World time, +08:00: {moment}. Press to move the clock',
  'app.theme': 'Theme',
  'app.theme.system': 'System',
  'app.theme.light': 'Light',
  'app.theme.dark': 'Dark',
  'app.otherLanguage': 'Switch to Chinese',
  'app.help': 'Keys',
  'app.keysOn': 'Single keys work (outside of fields)',
  'app.everywhere': 'Everywhere',
  'app.palette': 'All actions',
  'app.palettePlaceholder': 'Type what to do',
  'app.goTo': 'Go to {screen}',
  'app.toWorld': 'World: {world}',
  'app.seeAs': 'Look as {user}',
  'app.signOut': 'Sign out',
  'app.stream.off': 'not streaming',
  'app.stream.live': 'live',
  'app.stream.rate': 'live {n}/s',
  'app.stream.paused': 'paused',
  'app.stream.lost': 'no connection, trying again',
  'app.stream.missed': '{n} missed',
  'app.done': '{what}: done',
  'app.notDone': '{what}: {why}',
  'app.missing': 'This server has no operation {operation} yet. A newer release may have it.',
  'app.gone': 'The server does not answer. Is it still running?',
  'app.close': 'Close',
  'app.cancel': 'Cancel',
  'app.copy': 'Copy',
  'app.copied': 'Copied',
  'app.asCode': 'As code',
  'app.nothing': 'Nothing to show',
  'app.more': 'Show {n} more',
  'app.asJson': 'as JSON',
  'app.same': 'No field differs',
  'app.diff': 'Difference',
  'app.field': 'Field',
  'app.required': 'required',
  'app.notNumber': 'Enter a number',
  'app.notJson': 'This is not JSON: {why}',
  'app.gateHow': 'This console is for who runs the server. Open the link that the server printed when it started. It works once; for a new one run:',
  'app.gateKey': 'Link or control key',
  'app.gateOpen': 'Open the console',
  'app.gateSlow': 'Too many tries. Wait a minute.',
  'app.gateLinkUsed': 'This link was used or is too old. Run “larkspur console” for a new one.',
  'app.gateWrongKey': 'This is not the control key of this server.',
  'time.ms': '{n} ms',
  'time.s': '{n} s',
  'time.min': '{n} min',
  'time.h': '{n} h',
  'time.d': '{n} d',
  'time.in': 'in {span}',
  'time.ago': '{span} ago',
  'time.both': 'world {world} · real {real}',
  'status.ok': 'ok',
  'status.soft': 'let through',
  'status.refused': 'refused',
  'status.failed': 'failed',
  'status.injected': 'injected',
  'status.cut': 'cut off',
  'status.unrouted': 'unknown path',
  'status.waiting': 'waiting',
  'status.delivered': 'delivered',
  'status.dropped': 'dropped',
  'status.held': 'held',
  'status.not_sent': 'not sent',
  'status.info': 'info',

  // chat
  'chat.title': 'Chat',

  // card

  // traffic
  'traffic.title': 'Traffic',

  // events
  'events.title': 'Events',

  // apps
  'apps.title': 'Apps & scopes',

  // faults
  'faults.title': 'Faults & limits',

  // worlds
  'worlds.title': 'Worlds & time',

  // login
  'login.title': 'Login',

  // coverage
  'coverage.title': 'Coverage',

  // why
};
