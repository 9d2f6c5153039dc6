"""The faults. Each is given the drill while the writers write, and leaves all parts running again."""

import signal
import time

from cluster import ASYNCHRONOUS
from processes import send, until


def kill_primary(drill):
    """kill -9 of the primary's whole node; it comes back as a standby"""
    node = drill.cluster.leader()
    node.process.kill()
    drill.flows()
    time.sleep(3)
    node.process.start()
    drill.cluster.settle(180)


def freeze_patroni(drill):
    """the primary's Patroni is frozen for 30 s, PostgreSQL is not"""
    pid = drill.cluster.leader().patroni()
    send(pid, signal.SIGSTOP)
    try:
        time.sleep(30)
    finally:
        send(pid, signal.SIGCONT)
    drill.flows()
    time.sleep(10)
    drill.cluster.settle(180)


def kill_standby(drill):
    """kill -9 of a standby's whole node for 10 s"""
    leader = drill.cluster.leader()
    node = next(node for node in drill.cluster.nodes if node is not leader)
    node.process.kill()
    time.sleep(10)
    node.process.start()
    drill.cluster.settle(180)
    drill.flows()


def switchover(drill):
    """a planned switchover: Patroni makes a standby the primary"""
    before = drill.cluster.leader()
    drill.cluster.switch_over()
    until("another primary", 60, lambda: drill.cluster.leader() not in (None, before))
    drill.flows()
    time.sleep(3)
    drill.cluster.settle(180)


def kill_larkspur(drill):
    """kill -9 of a Larkspur node; started again after 5 s"""
    drill.servers.all[0].kill()
    time.sleep(5)
    drill.servers.begin(0)
    drill.flows()
    time.sleep(5)


def etcd_majority(drill):
    """kill -9 of two of three etcd for 18 s"""
    for etcd in drill.cluster.etcd[:2]:
        etcd.kill()
    time.sleep(18)
    for etcd in drill.cluster.etcd[:2]:
        etcd.start()
    until("etcd answers", 60, lambda: all(map(drill.cluster.etcd_is_well, drill.cluster.etcd_ports)))
    drill.cluster.settle(180)
    drill.flows()
    time.sleep(3)


def control(drill):
    """asynchronous replication, stalled for 400 ms before kill -9 of the primary's node: it must lose writes"""
    node = drill.cluster.leader()
    senders = [pid for pid, what in node.postgres().items() if "walsender" in what]
    for pid in senders:
        send(pid, signal.SIGSTOP)
    time.sleep(0.4)
    node.process.kill()
    drill.flows()
    node.process.start()
    drill.cluster.settle(180, synchronous=False)


def make_asynchronous(cluster):
    """Before the control."""
    cluster.configure(ASYNCHRONOUS)
    until("nobody waits for a standby", 60, lambda: cluster.is_well(synchronous=False)
          and cluster.sql(cluster.leader(), "SHOW synchronous_standby_names") == "")


CONTROL = "control"
ALL = {
    "kill-primary": kill_primary,
    "freeze-patroni": freeze_patroni,
    "kill-standby": kill_standby,
    "switchover": switchover,
    "kill-larkspur": kill_larkspur,
    "etcd-majority": etcd_majority,
    CONTROL: control,
}
