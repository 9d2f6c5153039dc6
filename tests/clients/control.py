"""What the tests use of the control API."""


class World:
    """A tenant with its clock."""

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
