"""The tests' calls of the control API, and the page on which users authorize apps."""

import http.client
import re
import urllib.parse


class World:
    """A tenant with its clock."""

    REDIRECT = "http://localhost:3000/callback"

    def __init__(self, server, facts):
        self.server = server
        self.facts = facts
        self.path = f"/worlds/{facts['tenant_key']}"

    def app(self, scopes=None, **more):
        """A new app with these scopes, or all: app_id and app_secret."""
        body = more if scopes is None else {"scopes": scopes, **more}
        return self.server.control("POST", f"{self.path}/apps", body)

    def user_token(self, app_id, user):
        body = {"app_id": app_id}
        return self.server.control("POST", f"{self.path}/users/{user['user_id']}/tokens", body)["access_token"]

    def install(self, app_id):
        """Installs an ISV app of another world."""
        self.server.control("POST", f"{self.path}/installs", {"app_id": app_id})

    def ticket(self, app_id):
        """The current app_ticket of an ISV app of this world."""
        return self.server.control("GET", f"{self.path}/apps/{app_id}/sign_in")["app_ticket"]

    def events(self, app_id, **settings):
        """An app's event settings and its latest deliveries; with settings, changes them first."""
        return self.server.control("PUT" if settings else "GET", f"{self.path}/apps/{app_id}/events", settings or None)

    def code(self, app_id, user, **more):
        """The code that an app gets when a user authorizes it."""
        form = {"client_id": app_id, "response_type": "code", "redirect_uri": self.REDIRECT, "state": "s", **more}
        form |= {"decision": "allow", "user": f"{self.facts['tenant_key']}/{user['user_id']}"}
        page = "/open-apis/authen/v1/authorize"
        connection = http.client.HTTPConnection(*self.server.address, timeout=30)
        connection.request("GET", f"{page}?{urllib.parse.urlencode(form)}")
        shown = connection.getresponse().read().decode()
        form["form_token"] = re.search(r'name="form_token" value="([^"]+)"', shown).group(1)
        connection.request("POST", page, urllib.parse.urlencode(form),
                           {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        text, place = answer.read(), answer.headers["Location"]
        connection.close()
        assert answer.status == 302, (answer.status, text)
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(place).query))["code"]

    def document(self, owner):
        """A document of a user or an app: token, doc_type, url."""
        return self.server.control("POST", f"{self.path}/documents", {"doc_type": "docx", "owner": owner})

    def advance(self, minutes):
        self.server.control("PUT", f"{self.path}/clock", {"advance_seconds": minutes * 60})

    def delete(self):
        self.server.control("DELETE", self.path)


def demo(server):
    """The demo world of a server."""
    return World(server, server.ready)


def fresh(server):
    """A new world like the demo world."""
    return World(server, server.control("POST", "/worlds", {"name": "client tests"}))
