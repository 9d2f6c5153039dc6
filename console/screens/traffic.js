import {h} from '../lib/dom.js';

/** @type {import('../app.js').Screen} */
export default {id: 'traffic', key: 't', title: 'traffic.title', mount: () => ({node: h('div', {class: 'body'})})};
