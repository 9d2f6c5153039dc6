// What one does by hand, as code: curl, command line, Python, Node.
import {h} from './dom.js';
import {cli, curl, node, python} from './api.js';
import {t} from './i18n.js';
import {code, tabs} from './ui.js';

/** @typedef {import('./api.js').Action} Action */

const FORMS = /** @type {[string, string, (action: Action) => string][]} */ ([['curl', 'curl', curl], ['cli', 'CLI', cli], ['python', 'Python', python], ['node', 'Node', node]]);
let chosen = 'curl';

/**
 * Tabs with the code of one action or of several.
 * @param {Action | Action[]} actions
 * @returns {HTMLElement}
 */
export function asCode(actions) {
  const all = Array.isArray(actions) ? actions : [actions];
  if (!all.length) return h('p', {class: 'muted'}, t('app.nothing'));
  return tabs(t('app.asCode'), FORMS.map(([id, title, print]) => ({
    id,
    title,
    make: () => all.map(action => h('div', {class: 'as-code'}, all.length > 1 ? h('h3', null, t(action.text, action.values)) : null, code(print(action), `${title}: ${t(action.text, action.values)}`))),
  })), {selected: chosen, onSelect: id => {
    chosen = id;
  }});
}
