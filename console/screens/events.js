import {h} from '../lib/dom.js';

/** @type {import('../app.js').Screen} */
export default {id: 'events', key: 'e', title: 'events.title', mount: () => ({node: h('div', {class: 'body'})})};
