// Signs in with the link of the address, and shows the session.
const session = '/larkspur/console/session';
const link = new URLSearchParams(location.hash.slice(1)).get('login');
if (link) {
  history.replaceState(null, '', location.pathname);
  await fetch(session, { method: 'POST', body: JSON.stringify({ link }) });
}
const answer = await fetch(session);
document.getElementById('state').textContent = `${answer.status} ${await answer.text()}`;
