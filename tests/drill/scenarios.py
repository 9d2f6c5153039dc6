"""The faults. Each runs while the writers write, and leaves all parts running again."""

import signal
import time

from cluster import ASYNCHRONOUS
from processes import Failure, inside, send, until


def had_effect(effect, what):
    """Checks that the fault had an effect: otherwise it proves nothing."""
    if not effect:
        raise Failure(f"the fault had no effect: {what}")


def kill_primary(drill):
    """kill -9 of the primary's whole node; it comes back as a standby"""
    node = drill.cluster.primary()
    node.process.kill()
    drill.flows()
    drill.cluster.primary(besides=node)
    time.sleep(3)
    node.process.start()
    drill.cluster.settle(180)


def freeze_patroni(drill):
    """the primary's Patroni is frozen for 30 s and goes on; PostgreSQL is not frozen"""
    freeze(drill, lambda node: [node.patroni()])


def freeze_primary(drill):
    """the primary's whole node is frozen for 30 s and goes on"""
    freeze(drill, lambda node: inside(node.folder))


def freeze(drill, which):
    node = drill.cluster.primary()
    # Frozen processes cannot start others.
    pids = [node.patroni()] + [pid for pid in which(node) if pid != node.patroni()]
    for pid in pids:
        send(pid, signal.SIGSTOP)
    try:
        time.sleep(30)
        drill.cluster.primary(besides=node, seconds=8)
    finally:
        for pid in pids:
            send(pid, signal.SIGCONT)
    drill.flows()
    time.sleep(10)
    drill.cluster.settle(180)


def kill_standby(drill):
    """kill -9 of a standby's whole node for 10 s"""
    leader = drill.cluster.primary()
    node = next(node for node in drill.cluster.nodes if node is not leader)
    node.process.kill()
    time.sleep(10)
    had_effect(not drill.cluster.is_well(synchronous=True), "the standby is there")
    node.process.start()
    drill.cluster.settle(180)
    drill.flows()


def switchover(drill):
    """a planned switchover: Patroni makes a standby the primary"""
    before = drill.cluster.primary()
    drill.cluster.switch_over()
    drill.cluster.primary(besides=before, seconds=60)
    drill.flows()
    time.sleep(3)
    drill.cluster.settle(180)


def kill_larkspur(drill):
    """kill -9 of a Larkspur node; started again after 5 s"""
    drill.servers.all[0].kill()
    time.sleep(5)
    had_effect(not drill.servers.is_ready(0), "the node answers")
    drill.servers.begin(0)
    drill.flows()
    time.sleep(5)


def etcd_majority(drill):
    """kill -9 of two of three etcd for 18 s"""
    for etcd in drill.cluster.etcd[:2]:
        etcd.kill()
    time.sleep(18)
    had_effect(not any(map(drill.cluster.etcd_is_well, drill.cluster.etcd_ports)), "etcd is well")
    for etcd in drill.cluster.etcd[:2]:
        etcd.start()
    until("etcd answers", 60, lambda: all(map(drill.cluster.etcd_is_well, drill.cluster.etcd_ports)))
    drill.cluster.settle(180)
    drill.flows()
    time.sleep(3)


def control(drill):
    """asynchronous replication, stalled for 400 ms before kill -9 of the primary's node: it must lose writes"""
    node = drill.cluster.primary()
    senders = [pid for pid, what in node.postgres().items() if "walsender" in what]
    for pid in senders:
        send(pid, signal.SIGSTOP)
    time.sleep(0.4)
    node.process.kill()
    drill.flows()
    node.process.start()
    drill.cluster.settle(180, synchronous=False)


def audit(drill):
    """a tag, a binding and a tab are deleted behind the servers' backs, and an event is forgotten: it must find them"""
    done = list(drill.ledger.acknowledged)
    tag = next(write for write in done if write["kind"] == "tag")
    bind = next(write for write in done if write["kind"] == "bind" and tag["id"] not in write["tags"])
    tabs = next(write for write in done if write["kind"] == "tabs")
    for statement in (
        f"DELETE FROM tag WHERE tag_id = {tag['id']}",
        f"DELETE FROM chat_tag_binding WHERE chat_id = '{bind['chat']}' AND tag_id = {bind['tags'][0]}",
        f"DELETE FROM chat_tab WHERE chat_id = '{tabs['chat']}' AND tab_name = '{tabs['name']}-0'",
    ):
        drill.cluster.sql(drill.cluster.primary(), statement, "larkspur")
    heard = drill.audience.all[0].heard
    until("an edit was heard", 30, heard.writes)
    heard.forget()
    for index, server in enumerate(drill.servers.all):
        # So that no answer comes from memory.
        server.kill()
        drill.servers.begin(index)


def make_asynchronous(cluster):
    """Preparation of the control run."""
    cluster.configure(ASYNCHRONOUS)
    until("no commit waits for a standby", 60, lambda: cluster.is_well(synchronous=False)
          and cluster.sql(cluster.primary(), "SHOW synchronous_standby_names") == "")


CONTROL = "control"
AUDIT = "audit"
# How the table names the scenarios that fail on purpose.
LABELS = {CONTROL: "control (must lose)", AUDIT: "audit (must find)"}
ALL = {
    "kill-primary": kill_primary,
    "freeze-patroni": freeze_patroni,
    "freeze-primary": freeze_primary,
    "kill-standby": kill_standby,
    "switchover": switchover,
    "kill-larkspur": kill_larkspur,
    "etcd-majority": etcd_majority,
    CONTROL: control,
    AUDIT: audit,
}
