"""The bot's tests. Each has a world of its own, so that they can run in parallel: pytest --numprocesses 4."""

import struct
import zlib

import pytest

from rooms import RATE_LIMITED, Refused

LINK = "im.v1.chat_tab.create"


def picture(side):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x28\x5a\xa0" * side) * side)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_room_is_opened_and_renamed(rooms, world):
    room = rooms.open("Apollo", owner=world.ada, members=[world.ben])
    shown = rooms.show(room)
    assert (shown.name, shown.owner_id, shown.user_count, shown.bot_count) == ("Apollo", world.ada, "2", "1")
    assert shown.bot_manager_id_list == [world.app_id]
    rooms.change(room, name="Apollo 11", description="To the moon")
    shown = rooms.show(room)
    assert (shown.name, shown.description) == ("Apollo 11", "To the moon")


def test_a_closed_room_stays_closed(rooms, world):
    room = rooms.open("Apollo", owner=world.ada)
    rooms.close(room)
    with pytest.raises(Refused) as refused:
        rooms.change(room, name="Apollo 12")
    assert refused.value.code == 232009 and refused.value.log_id


def test_people_come_and_go(rooms, world):
    room = rooms.open("Apollo", owner=world.ada)
    assert rooms.invite(room, [world.ben, world.chen]) == []
    assert sorted(rooms.members(room)) == ["Ada Larkin", "Ben Sparrow", "Chen Yan"]
    rooms.remove(room, [world.ben])
    assert sorted(rooms.members(room)) == ["Ada Larkin", "Chen Yan"]


def test_a_user_who_left_the_company_is_reported(rooms, world):
    room = rooms.open("Apollo", owner=world.ada)
    world.control("PATCH", f"/users/{world.users[1]['user_id']}", {"status": "resigned"})
    assert rooms.invite(room, [world.ben, world.chen]) == [world.ben]
    assert sorted(rooms.members(room)) == ["Ada Larkin", "Chen Yan"]


def test_managers(rooms, world):
    room = rooms.open("Apollo", members=[world.ada, world.ben])
    assert rooms.promote(room, world.ben) == [world.ben]
    # Once the room has another owner, the bot may not appoint managers.
    rooms.change(room, owner_id=world.ada)
    with pytest.raises(Refused) as refused:
        rooms.promote(room, world.ada)
    assert refused.value.code == 232038


def test_a_label_is_made_once(rooms, world):
    first, second = (rooms.open(name, owner=world.ada) for name in ("Apollo", "Gemini"))
    assert rooms.label(first, "space") == rooms.label(second, "space")
    assert rooms.labels(second) == ["space"]


def test_tabs(rooms, world):
    room = rooms.open("Apollo", owner=world.ada)
    rooms.link(room, "Plan", "https://example.com/plan")
    assert rooms.link(room, "Budget", "https://example.com/budget")[1:] == ["Plan", "Budget"]


def test_a_menu(rooms, world):
    room = rooms.open("Apollo", owner=world.ada)
    links = {"Wiki": "https://example.com/wiki", "Help": "https://example.com/help"}
    assert rooms.offer(room, links) == ["Wiki", "Help"]
    with pytest.raises(Refused) as refused:
        rooms.offer(room, {name: "https://example.com" for name in ("a", "b")})
    assert refused.value.code == 232070


def test_an_announcement_is_pinned(rooms, world):
    room = rooms.open("Apollo", owner=world.ada)
    rooms.announce(room, "Launch at nine")
    assert rooms.announce(room, "Launch at ten") == ["Launch at ten", "Launch at nine"]
    rooms.pin_announcement(room)


def test_in_a_hushed_room_managers_speak(rooms, world):
    room = rooms.open("Apollo", owner=world.ada, members=[world.ben])
    rooms.hush(room)
    assert rooms.show(room).moderation_permission == "only_owner"


def test_rooms_are_found_by_their_names(rooms, world):
    for name in ("Apollo launch", "Apollo landing", "Gemini"):
        rooms.open(name, owner=world.ada)
    assert sorted(rooms.find("Apollo")) == ["Apollo landing", "Apollo launch"]


def test_pictures(rooms, world):
    assert rooms.download(rooms.upload(picture(3))) == picture(3)
    room = rooms.open("Apollo", owner=world.ada)
    before = rooms.show(room).avatar
    rooms.change(room, avatar=rooms.upload(picture(4), "avatar"))
    assert rooms.show(room).avatar != before


def test_the_bot_waits_and_tries_again(rooms, world):
    room = rooms.open("Apollo", owner=world.ada)
    world.refuse(LINK, RATE_LIMITED)
    assert rooms.link(room, "Plan", "https://example.com/plan")[1:] == ["Plan"]
    world.check({"operation": LINK}, exactly=2)
    world.refuse(LINK, RATE_LIMITED, times=2)
    with pytest.raises(Refused):
        rooms.link(room, "Budget", "https://example.com/budget")
    world.check({"operation": LINK, "outcome": "injected"}, exactly=3)
    world.check({"operation": LINK}, exactly=4)


def test_a_scope_that_was_taken_away_is_named(rooms, world):
    room = rooms.open("Apollo", owner=world.ada)
    world.scopes("im:chat:read")
    with pytest.raises(Refused) as refused:
        rooms.link(room, "Plan", "https://example.com/plan")
    assert refused.value.code == 99991672 and "im:chat.tabs:write_only" in refused.value.scopes
    world.check({"operation": LINK, "code": 99991672}, exactly=1)


def test_a_token_ends(rooms, world, forget_tokens):
    room = rooms.open("Apollo", owner=world.ada)
    world.hours_pass(2)
    with pytest.raises(Refused) as refused:
        rooms.show(room)
    assert refused.value.code == 99991663
    forget_tokens()
    assert rooms.show(room).name == "Apollo"
