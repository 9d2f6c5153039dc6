// Who has no session: a link or the control key is pasted here.
import {h, replace} from './dom.js';
import {lang, setLang, t} from './i18n.js';
import {button} from './ui.js';

/**
 * Asks for a session with a one-time link or with the control key.
 * @param {{link?: string, key?: string}} proof
 * @returns {Promise<{session: import('./api.js').Session | null, why: string}>}
 */
export async function sign(proof) {
  const answer = await fetch('/larkspur/console/session', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(proof)});
  const data = await answer.json().catch(() => null);
  if (answer.ok && data) return {session: data.data || data, why: ''};
  return {session: null, why: data?.error?.message && answer.status !== 401 ? data.error.message : t(answer.status === 429 ? 'app.gateSlow' : proof.link ? 'app.gateLinkUsed' : 'app.gateWrongKey')};
}

/**
 * The view for those without a session.
 * @param {HTMLElement} into
 * @param {string} why what went wrong before
 * @param {(session: import('./api.js').Session) => void} done
 */
export function gate(into, why, done) {
  document.title = 'Larkspur';
  const field = h('input', {type: 'password', id: 'gate-key', autocomplete: 'off', spellcheck: false, required: true, 'aria-describedby': 'gate-error'});
  const error = h('div', {class: 'error', id: 'gate-error', role: 'alert'}, why);
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (!text) {
      error.textContent = t('app.required');
      field.focus();
      return;
    }
    const link = /#login=([^&\s]+)/.exec(text);
    const result = await sign(link ? {link: link[1]} : {key: text}).catch(() => ({session: null, why: t('app.gone')}));
    if (result.session) done(result.session);
    else {
      error.textContent = result.why;
      field.setAttribute('aria-invalid', 'true');
      field.focus();
    }
  };
  replace(into, h('main', {class: 'gate', id: 'main'}, h('h1', null, 'Larkspur'), h('p', null, t('app.gateHow')), h('pre', {class: 'mono'}, 'larkspur console'),
    h('form', {noValidate: true, on: {submit}}, h('div', {class: 'field'}, h('label', {for: 'gate-key'}, t('app.gateKey')), field, error), h('button', {type: 'submit', class: 'primary'}, t('app.gateOpen'))),
    button(lang.peek() === 'zh' ? 'English' : '中文', async () => {
      await setLang(lang.peek() === 'zh' ? 'en' : 'zh');
      gate(into, '', done);
    }, {kind: 'link'})));
  field.focus();
}
