// What one fills in: a new chat, a bot to talk to, a member, a tab, a reaction, another text.
import {current, run} from '../../lib/api.js';
import {h} from '../../lib/dom.js';
import {t} from '../../lib/i18n.js';
import {code, select} from '../../lib/ui.js';
import {EMOJI, OFFERED} from './message.js';

/** @typedef {import('../../lib/dialog.js').Field} Field */
/** @typedef {import('../../lib/api.js').Action} Action */
/** @typedef {import('./room.js').Message} Message */
/**
 * The screen, as far as dialogs know it.
 * @typedef {{ctx: import('../../app.js').Context, room: import('./room.js').Room, soon: () => void, perform: (action: Action) => Promise<any>}} Screen
 */

/** Does what a dialog asks for; the dialog shows refusals. @param {Screen} screen @param {Action} action */
async function act(screen, action) {
  screen.room.last.set(action);
  const {data} = await run(action);
  screen.soon();
  return data;
}

/** @param {Screen} screen @param {Message} message */
export function react(screen, message) {
  const choose = (/** @type {string} */ name) => {
    dialog.close();
    void screen.perform(screen.room.react(message.message_id, name));
  };
  const others = [...EMOJI].map(([name, glyph]) => /** @type {[string, string]} */ ([name, `${glyph} ${name}`]));
  const other = select(t('chat.otherReaction'), [['', t('chat.otherReaction')], ...others], '', choose);
  const first = OFFERED.map(name => h('button', {type: 'button', title: name, 'aria-label': name, on: {click: () => choose(name)}}, EMOJI.get(name)));
  const dialog = screen.ctx.dialog.open(t('chat.react'), h('div', {class: 'emoji'}, first, other));
  first[0]?.focus();
}

/** @param {Screen} screen @param {Message} message */
export function edit(screen, message) {
  const fields = /** @type {Field[]} */ ([{name: 'text', label: t('chat.text'), type: 'textarea', value: message.line, required: true}]);
  return screen.ctx.dialog.form({title: t('chat.edit'), submit: t('chat.edit'), fields, act: ({text}) => act(screen, screen.room.edit(message.message_id, text))});
}

/** @param {Screen} screen */
export function newChat(screen) {
  const {room, ctx} = screen;
  const people = room.people.peek();
  const bots = people.bots().map(one => ({id: one.app_id, name: one.name}));
  const all = [...bots, ...people.users.filter(one => one.user_id !== room.me).map(one => ({id: one.user_id, name: one.name}))].slice(0, 40);
  return ctx.dialog.form({title: t('chat.new'), submit: t('chat.create'), fields: [
    {name: 'name', label: t('chat.name'), required: true},
    ...all.map((one, i) => /** @type {Field} */ ({name: `m${i}`, label: one.name, type: 'checkbox', value: i < 4})),
  ], act: async values => {
    const data = await act(screen, room.newChat({name: values.name, members: all.filter((_, i) => values[`m${i}`]).map(one => one.id)}));
    ctx.go(`chat?chat=${data.chat_id}`);
  }});
}

/** Opens the chat with a bot. @param {Screen} screen */
export function openP2p(screen) {
  return withBot(screen, t('chat.p2p'), [], async ({bot}) => screen.ctx.go(`chat?chat=${(await act(screen, screen.room.openP2p(bot))).chat_id}`));
}

/** Clicks an item of a bot's menu. @param {Screen} screen */
export function clickMenu(screen) {
  return withBot(screen, t('chat.menu'), [{name: 'event_key', label: t('chat.menuKey'), required: true, placeholder: 'help'}], async ({bot, event_key}) => {
    await act(screen, screen.room.menu(bot, event_key));
    screen.ctx.toast(t('app.done', {what: t('chat.menu')}));
  });
}

/** @param {Screen} screen @param {string} title @param {Field[]} more @param {(values: Record<string, any>) => Promise<void>} act */
function withBot({room, ctx}, title, more, act) {
  const bots = room.people.peek().bots();
  if (!bots.length) return ctx.toast(t('chat.noBot'), 'failed');
  const present = room.view.peek()?.members.find(one => one.kind === 'bot')?.member;
  const which = /** @type {Field} */ ({name: 'bot', label: t('chat.bot'), type: 'select', value: present ?? bots[0].app_id, options: bots.map(one => [one.app_id, one.name])});
  return ctx.dialog.form({title, submit: title, act, fields: [which, ...more]});
}

/** @param {Screen} screen */
export function addMember(screen) {
  const {room, ctx} = screen;
  const people = room.people.peek();
  const inside = new Set(room.view.peek()?.members.map(one => one.member));
  const all = [...people.bots().map(one => [one.app_id, `${one.name} (${t('chat.bot')})`]), ...people.users.map(one => [one.user_id, one.name])];
  const options = /** @type {[string, string][]} */ (all.filter(([id]) => !inside.has(id)));
  if (!options.length) return ctx.toast(t('chat.everyone'));
  return ctx.dialog.form({title: t('chat.member_add'), submit: t('chat.member_add'), fields: [{name: 'member', label: t('chat.who'), type: 'select', options}],
    act: ({member}) => act(screen, room.addMember(member))});
}

/** Adds a tab as the person. @param {Screen} screen */
export function addTab(screen) {
  const {ctx, room} = screen;
  return ctx.dialog.form({title: t('chat.tabAdd'), submit: t('chat.tabAdd'), text: t('chat.tabHow', {name: ctx.viewer.peek()?.name ?? ''}), fields: [
    {name: 'tab_name', label: t('chat.name'), required: true},
    {name: 'target', label: 'URL', required: true, value: 'https://', check: value => (URL.canParse(value) ? null : t('chat.badUrl'))},
  ], act: ({tab_name, target}) => act(screen, room.addTab({tab_name, target}))});
}

/** Says how to start the example bot as an app. @param {Screen} screen @param {string} app_id */
export function startBot({room, ctx}, app_id) {
  const app = room.people.peek().apps.find(one => one.app_id === app_id);
  if (!app) return ctx.toast(t('chat.noBot'), 'failed');
  const base = current().base_url;
  const lines = ['pip install lark-oapi', `curl -sS ${base}/larkspur/examples/python/bot.py -o bot.py`, `BASE_URL=${base} APP_ID=${app.app_id} APP_SECRET="$APP_SECRET" python bot.py`];
  ctx.dialog.open(t('chat.startBot'), [h('p', {}, t('chat.startBotHow', {app: app.name})), code(lines.join('\n'), t('chat.startBot'))], {class: 'wide'});
}
