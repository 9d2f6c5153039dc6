import {h} from '../lib/dom.js';

/** @type {import('../app.js').Screen} */
export default {id: 'coverage', key: 'v', title: 'coverage.title', mount: () => ({node: h('div', {class: 'body'})})};
