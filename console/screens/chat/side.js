// What belongs to a chat beside its messages: members, tabs, announcement, what the person may do, and all of it as code.
import {asCode} from '../../lib/ascode.js';
import {h} from '../../lib/dom.js';
import {has, reason, t} from '../../lib/i18n.js';
import {button, facts, mono, panel} from '../../lib/ui.js';
import {avatar} from './message.js';

/** @typedef {import('./room.js').Room} Room */
/** @typedef {import('./room.js').View} View */
/**
 * @typedef {object} Doings
 * @property {() => void} addMember
 * @property {(member: string, name: string) => void} removeMember
 * @property {(member: string, manager: boolean) => void} setManager
 * @property {(member: string, name: string) => void} mention
 * @property {() => void} clickMenu
 * @property {() => void} addTab
 * @property {(tab: string, step: number) => void} moveTab
 * @property {(tab: string, name: string) => void} deleteTab
 * @property {(fix: import('./room.js').Fix) => void} fix
 * @property {(fix: import('./room.js').Fix) => string} words What a fix does.
 */

/**
 * The panels.
 * @param {Room} room
 * @param {View} view
 * @param {Doings} doings
 * @returns {HTMLElement[]}
 */
export function side(room, view, doings) {
  const parts = [members(view, doings), may(view, doings), tabs(view, doings), announcement(view)];
  const last = room.last.peek();
  parts.push(panel(t('chat.facts'), facts([
    [t('chat.id'), mono(view.chat_id)], [t('chat.mode'), t(`chat.mode.${view.chat_mode}`)], [t('chat.description'), view.description],
    [t('chat.state'), view.chat_status === 'normal' ? '' : view.chat_status],
  ])));
  parts.push(panel(t('app.asCode'), asCode(last ? [last, room.show()] : [room.show()])));
  return parts.filter(part => part !== null);
}

/** @param {View} view @param {Doings} doings */
function members(view, doings) {
  const list = view.members.map(one => h('li', {class: 'member'}, avatar(one.member, one.name), h('span', {class: 'grow'}, one.name,
    one.nickname ? h('span', {class: 'muted'}, ` (${one.nickname})`) : null,
    one.kind === 'bot' ? h('span', {class: 'badge'}, t('chat.bot')) : null,
    one.role && one.role !== 'member' ? h('span', {class: 'badge'}, t(`chat.role.${one.role}`)) : null),
  button('@', () => doings.mention(one.member, one.name), {kind: 'quiet', label: t('chat.mentionOf', {name: one.name})}),
  one.role === 'owner' ? null : button('⇅', () => doings.setManager(one.member, one.role !== 'manager'),
    {kind: 'quiet', label: t(one.role === 'manager' ? 'chat.unmanager' : 'chat.manager', {name: one.name})}),
  button('✕', () => doings.removeMember(one.member, one.name), {kind: 'quiet', label: t('chat.removeOf', {name: one.name})})));
  return panel(t('chat.members', {n: view.user_count + view.bot_count}), h('ul', {class: 'members'}, list),
    view.more_members ? h('p', {class: 'muted'}, t('chat.moreMembers')) : null,
    h('div', {class: 'row'}, view.chat_mode === 'p2p' ? null : button(t('chat.member_add'), doings.addMember, {key: 'a'}), view.bot_count ? button(t('chat.menu'), doings.clickMenu, {key: 'b'}) : null));
}

/** @param {View} view @param {Doings} doings */
function may(view, doings) {
  if (!view.may.length) return null;
  return panel(t('chat.may', {name: view.viewer.name}), h('p', {class: 'muted'}, t(`chat.standing.${view.viewer.standing}`)), h('ul', {class: 'may'}, view.may.map(one => h('li', {},
    h('span', {class: one.allowed ? 'yes' : 'no', role: 'img', 'aria-label': t(one.allowed ? 'chat.yes' : 'chat.no')}, one.allowed ? '✓' : '⊘'),
    h('div', {}, has(`chat.act.${one.act}`) ? t(`chat.act.${one.act}`) : one.act, h('div', {class: 'muted small'}, mono(one.setting ? `${one.setting} = ${one.value}` : one.rule)),
      one.refusal ? h('div', {class: 'small'}, `${one.refusal.code} `, because(one.refusal)) : null,
      (one.refusal?.fixes ?? []).slice(0, 1).map(fix => button(doings.words(fix), () => doings.fix(fix), {kind: 'link'})))))));
}

/** Why someone may not do something. @param {import('./room.js').Refusal} refusal */
export function because(refusal) {
  return reason({code: refusal.name, note: refusal.note, facts: refusal.facts});
}

/** @param {View} view @param {Doings} doings */
function tabs(view, doings) {
  if (view.chat_mode === 'p2p') return null;
  const own = view.tabs.filter(tab => tab.tab_type !== 'message');
  return panel(t('chat.tabs'), own.length ? h('ul', {class: 'members'}, own.map((tab, i) => {
    const name = tab.name || tab.tab_type;
    return h('li', {class: 'member'}, h('span', {class: 'grow', title: tab.target}, name, ' ', h('span', {class: 'muted small'}, tab.tab_type)),
      button('←', () => doings.moveTab(tab.tab_id, -1), {kind: 'quiet', disabled: i === 0, label: t('chat.tabLeft', {name})}),
      button('→', () => doings.moveTab(tab.tab_id, 1), {kind: 'quiet', disabled: i === own.length - 1, label: t('chat.tabRight', {name})}),
      button('✕', () => doings.deleteTab(tab.tab_id, name), {kind: 'quiet', label: t('chat.tabDelete', {name})}));
  })) : null, button(t('chat.tabAdd'), doings.addTab, {key: '+'}));
}

/** @param {View} view */
function announcement(view) {
  const one = view.announcement;
  if (!one || one.form === 'none') return null;
  return panel(t('chat.announcement'), h('p', {class: 'muted small'}, `${one.form} · ${t('chat.revision', {n: one.revision})}${one.locked ? ` · ${t('chat.locked')}` : ''}`),
    one.text ? h('p', {class: 'text'}, one.text, one.cut ? '…' : '') : h('p', {class: 'muted'}, t('chat.noText')));
}
