"""Clients that are not ours, against `strandline serve`.

`umadb` is the client of the protocol's author: a program in Rust, over its crate `umadb-client`, for Python.
`eventsourcing` is a library of applications, and `eventsourcing-umadb` what it has for that client; what it holds every
such store to is in its own package, and is run here.

usage: clients.py STRANDLINE CERTIFICATE KEY [LOAD_SECONDS]
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import umadb
from eventsourcing.dataclasses import AggregatesApplication
from eventsourcing.dcb.api import DcbAppendCondition, DcbEvent, DcbQuery, DcbQueryItem
from eventsourcing.dcb import tests as dcb_tests
from eventsourcing.persistence import IntegrityError
from eventsourcing.tests import persistence as persistence_tests
from eventsourcing.tests.bank_account_with_dataclasses import BankAccountWithDataclasses
from eventsourcing_umadb.recorders import (
    UmaDbApplicationRecorder,
    UmaDbDcbRecorder,
)

STRANDLINE, CERTIFICATE, KEY = sys.argv[1:4]
LOAD_SECONDS = float(sys.argv[4]) if len(sys.argv) > 4 else 6.0
LOAD_CLIENTS = 64


class Server:
    """A server of a store, which may be killed and started again."""

    def __init__(self, *options, dir=None):
        self.dir = dir or os.path.join(tempfile.mkdtemp(), "a.strand")
        self.options = options
        self.port = 0
        self.start()

    def start(self):
        command = [STRANDLINE, "serve", self.dir, "--listen", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(
            [*command, *self.options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError("the server did not start")
        self.port = int(self.url.rsplit(":", 1)[1])

    def end(self, how=signal.SIGTERM):
        """Ends it, and gives its exit code."""
        self.process.send_signal(how)
        code = self.process.wait(30)
        self.process.stdout.close()
        return code


class Case(unittest.TestCase):
    """A test with a server of its own."""

    def setUp(self):
        super().setUp()
        self.server = Server()
        self.client = umadb.Client(self.server.url)

    def tearDown(self):
        self.client.close()
        self.assertEqual(self.server.end(), 0)
        super().tearDown()


def new(event_type, *tags, **more):
    return umadb.Event(event_type, b"data", list(tags), **more)


def tagged(*tags):
    return umadb.Query([umadb.QueryItem(tags=list(tags))])


class Protocol(Case):
    """The five calls and health, by the client of the protocol's author."""

    def test_health(self):
        for service in ("", "umadb.v1.DCB"):
            self.assertEqual(self.client.check_health(service), umadb.ServingStatus.SERVING)

    def test_an_empty_store(self):
        self.assertIsNone(self.client.head())
        self.assertEqual(self.client.read().collect_with_head(), ([], None))
        self.assertEqual(self.client.append([]), 0)
        self.assertIsNone(self.client.get_tracking_info("source"))

    def test_an_event_comes_back_as_it_was(self):
        uuid = uuid4()
        metadata = {"who": "ada", "": "empty"}
        position = self.client.append([new("Paid", "z", "a", "z2", uuid=uuid, metadata=metadata)])
        self.assertEqual(position, 1)
        (read,) = self.client.read()
        self.assertEqual(read.position, 1)
        self.assertEqual(read.event.event_type, "Paid")
        self.assertEqual(read.event.tags, ["z", "a", "z2"])
        self.assertEqual(bytes(read.event.data), b"data")
        self.assertEqual(read.event.uuid, uuid)
        self.assertEqual(read.event.metadata, metadata)
        self.assertIsNone(read.tracking_info)

    def test_reads(self):
        self.client.append([new("AB"[n % 2], f"n:{n % 3}") for n in range(9)])

        def read(*arguments, **more):
            events, head = self.client.read(*arguments, **more).collect_with_head()
            return [event.position for event in events], head

        everything = list(range(1, 10))
        self.assertEqual(read(), (everything, 9))
        self.assertEqual(read(start=0), (everything, 9))
        self.assertEqual(read(start=8), ([8, 9], 9))
        self.assertEqual(read(start=10), ([], 9))
        self.assertEqual(read(backwards=True), (everything[::-1], 9))
        self.assertEqual(read(start=2, backwards=True), ([2, 1], 9))
        self.assertEqual(read(start=0, backwards=True), ([], 9))
        self.assertEqual(read(limit=0), ([], None))
        self.assertEqual(read(limit=2), ([1, 2], 2))
        self.assertEqual(read(limit=100), (everything, 9))
        self.assertEqual(read(tagged("n:1")), ([2, 5, 8], 9))
        self.assertEqual(read(tagged("none")), ([], 9))
        self.assertEqual(read(tagged("none"), limit=1), ([], None))
        either = umadb.Query(
            [umadb.QueryItem(types=["A"], tags=["n:1"]), umadb.QueryItem(types=["B"])]
        )
        self.assertEqual(read(either), ([2, 4, 5, 6, 8], 9))

    def test_batches(self):
        self.client.append([new("A")] * 9)
        for size, expected in ((3, [3, 3, 3, 0]), (100_000, [9, 0]), (0, [1, 1])):
            client = umadb.Client(self.server.url, batch_size=size)
            batches = client.read()
            self.assertEqual([len(batches.next_batch()) for _ in expected], expected)

    def test_a_condition(self):
        def named(**more):
            return umadb.AppendCondition(tagged("name:ada"), **more)

        registered = [new("Registered", "name:ada")]
        self.assertEqual(self.client.append(registered, named()), 1)
        with self.assertRaises(umadb.IntegrityError):
            self.client.append(registered, named())
        self.assertEqual(self.client.append(registered, named(after=1)), 2)
        with self.assertRaises(umadb.IntegrityError):
            self.client.append(registered, umadb.AppendCondition(umadb.Query(), after=1))

    def test_a_repeat_under_its_uuid(self):
        """Whoever did not learn what became of an append repeats it, and is told where it is."""
        given = [new("Paid", "a", uuid=uuid4()), new("Sent", "a", uuid=uuid4())]
        condition = umadb.AppendCondition(tagged("a"))
        self.assertEqual(self.client.append(given, condition), 2)
        self.assertEqual(self.client.append([new("Other")]), 3)
        self.assertEqual(self.client.append(given, condition), 2)
        self.assertEqual(self.client.head(), 3)

    def test_a_position_in_a_source(self):
        def append(position):
            tracking = umadb.TrackingInfo("orders", position)
            return self.client.append([new("A"), new("B")], tracking_info=tracking)

        self.assertEqual(append(5), 2)
        self.assertEqual(self.client.get_tracking_info("orders"), 5)
        self.assertIsNone(self.client.get_tracking_info("others"))
        for earlier in (5, 4):
            with self.assertRaises(umadb.IntegrityError):
                append(earlier)
        self.assertEqual(self.client.head(), 2)
        self.assertEqual([event.tracking_info.position for event in self.client.read()], [5, 5])

    def test_a_subscription(self):
        self.client.append([new("A", "x"), new("B", "y"), new("C", "x")])
        events = self.client.subscribe(tagged("x"), after=1)
        self.assertEqual(next(events).position, 3)
        threading.Timer(0.1, lambda: self.client.append([new("D", "y"), new("E", "x")])).start()
        self.assertEqual(next(events).position, 5)
        events.cancel()
        with self.assertRaises(umadb.CancelledByUserError):
            next(events)

    def test_what_is_refused(self):
        for wrong in (new(""), new("A", ""), new("A", *map(str, range(17)))):
            with self.assertRaises(ValueError):
                self.client.append([wrong])
        self.assertIsNone(self.client.head())

    def test_large_events_are_read_by_a_client_as_it_is(self):
        for _ in range(3):
            self.client.append([umadb.Event("Large", bytes(3_000_000), ["large"])])
        self.assertEqual([len(event.event.data) for event in self.client.read()], [3_000_000] * 3)


class Guarded(unittest.TestCase):
    """TLS and tokens."""

    def test_tls_and_tokens(self):
        folder = tempfile.mkdtemp()
        tokens, key = os.path.join(folder, "tokens"), os.path.join(folder, "key.pem")
        with open(tokens, "w") as file:
            file.write("read reports 0123456789abcdefghij\nappend orders klmnopqrstuvwxyz0123\n")
        with open(KEY) as there, open(key, "w") as file:
            file.write(there.read())
        for secret in (tokens, key):
            os.chmod(secret, 0o600)
        server = Server("--tls-cert", CERTIFICATE, "--tls-key", key, "--tokens", tokens)
        url = server.url.replace("127.0.0.1", "localhost")

        def client(token):
            return umadb.Client(url, ca_path=CERTIFICATE, api_key=token)

        self.assertEqual(client("klmnopqrstuvwxyz0123").append([new("Paid")]), 1)
        reader = client("0123456789abcdefghij")
        self.assertEqual(reader.head(), 1)
        with self.assertRaises(umadb.AuthenticationError):
            reader.append([new("Paid")])
        for unknown in (None, "0123456789abcdefghi"):
            with self.assertRaises(umadb.AuthenticationError):
                client(unknown).head()
        self.assertEqual(server.end(), 0)
        os.chmod(tokens, 0o644)
        refused = subprocess.run(
            [STRANDLINE, "serve", server.dir, "--tokens", tokens], capture_output=True, text=True
        )
        self.assertEqual(refused.returncode, 2)
        self.assertIn("chmod 600", refused.stderr)


class EachItsUuid(UmaDbDcbRecorder):
    """Gives an event that was appended before another uuid: the suite appends some again and wants them twice, and here a
    uuid is one event's for good."""

    def __init__(self, client):
        super().__init__(client)
        self.known = set()

    def append(self, events, condition=None):
        fresh = [replace(event, uuid=uuid4()) if event.uuid in self.known else event for event in events]
        position = super().append(fresh, condition)
        self.known.update(event.uuid for event in fresh)
        return position


class DcbRecorder(Case, dcb_tests.DcbRecorderTestCase):
    """What `eventsourcing` holds every store with dynamic consistency boundaries to."""

    def test_append_read(self):
        self._test_append_read(EachItsUuid(self.client))

    def test_append_subscribe(self):
        self._test_append_subscribe(UmaDbDcbRecorder(self.client))


class ApplicationRecorder(Case, persistence_tests.ApplicationRecorderTestCase):
    """What it holds every store of applications to, but for measures of time. Its test of a store of aggregates alone is
    passed over: it wants an append refused of which a part is known by its uuids, and here the rest is written."""

    recorder_supports_idempotent_appends = True
    test_performance = None
    test_concurrent_throughput = None

    def create_recorder(self):
        return UmaDbApplicationRecorder(self.client)


class Bank(AggregatesApplication):
    def open(self, owner):
        account = BankAccountWithDataclasses.open(owner, f"{owner}@example.com")
        self.save(account)
        return account.id

    def get(self, account_id, **more):
        return self.repository.get(account_id, BankAccountWithDataclasses, **more)

    def credit(self, account_id, amount):
        account = self.get(account_id)
        account.append_transaction(Decimal(amount))
        self.save(account)


class Applications(Case):
    """Applications of the library's users."""

    def test_a_bank(self):
        """Aggregates and their versions. Its snapshots are not for this client: it refuses to keep them."""
        env = {"PERSISTENCE_MODULE": "eventsourcing_umadb", "UMADB_URI": self.server.url}
        with Bank(env=env) as bank:
            account = bank.open("ada")
            for amount in (10, 20, 30):
                bank.credit(account, amount)
            stale = bank.get(account)
            bank.credit(account, 5)
            stale.append_transaction(Decimal(1_000))
            with self.assertRaises(IntegrityError):
                bank.save(stale)
        # Everything is there for who opens it anew.
        with Bank(env=env) as bank:
            self.assertEqual(bank.get(account).balance, 65)
            self.assertEqual(bank.get(account, version=2).balance, 10)
            log = bank.recorder.select_notifications(start=1, limit=10)
            self.assertEqual([entry.id for entry in log], [1, 2, 3, 4, 5])
            self.assertEqual({str(entry.originator_id) for entry in log}, {str(account)})

    def test_an_enrolment(self):
        """Students want more seats than there are, all at once: a decision is on a course and on a student."""
        seats, courses_each, students = 5, 2, 12
        enrolled = []

        def enrol(student):
            recorder = UmaDbDcbRecorder(umadb.Client(self.server.url))
            for course in ("course:1", "course:2", "course:3"):
                while True:
                    about = [DcbQueryItem(types=["Enrolled"], tags=[tag]) for tag in (course, student)]
                    events = recorder.read(DcbQuery(items=about))
                    known = [event.event.tags for event in events]
                    is_full = sum(course in tags for tags in known) >= seats
                    if is_full or sum(student in tags for tags in known) >= courses_each:
                        break
                    condition = DcbAppendCondition(DcbQuery(items=about), after=events.head)
                    event = DcbEvent(
                        type="Enrolled", data=b"", tags=[course, student], uuid=uuid4(), metadata={}
                    )
                    try:
                        enrolled.append((recorder.append([event], condition), course, student))
                        break
                    except IntegrityError:
                        pass

        threads = [threading.Thread(target=enrol, args=(f"student:{n}",)) for n in range(students)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual([position for position, *_ in sorted(enrolled)], list(range(1, len(enrolled) + 1)))
        taken = [course for _, course, _ in enrolled]
        self.assertEqual(max(taken.count(course) for course in set(taken)), seats)
        chosen = [student for *_, student in enrolled]
        self.assertLessEqual(max(chosen.count(student) for student in set(chosen)), courses_each)
        self.assertEqual(self.client.head(), len(enrolled))


class Load(unittest.TestCase):
    """Many clients, and a server that is killed among them."""

    def test_nothing_acknowledged_is_lost(self):
        server = Server("--drain-seconds", "5")
        stop = threading.Event()
        acknowledged = [[] for _ in range(LOAD_CLIENTS)]
        refused = [0] * LOAD_CLIENTS
        broken = []

        def work(number):
            source, client, position = f"source:{number}", None, 0
            while not stop.is_set():
                try:
                    client = client or umadb.Client(server.url)
                    # Another look at the store, which an append without an answer may have reached.
                    position = client.get_tracking_info(source) or 0
                    while not stop.is_set():
                        uuids = [uuid4() for _ in range(1 + position % 3)]
                        events = [new("Worked", source, uuid=uuid) for uuid in uuids]
                        tracking = umadb.TrackingInfo(source, position + 1)
                        last = client.append(events, tracking_info=tracking)
                        position += 1
                        acknowledged[number].append((position, last, uuids))
                except (umadb.IntegrityError, ValueError) as error:
                    broken.append(error)
                    return
                except Exception:
                    refused[number] += 1
                    client = None
                    time.sleep(0.02)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(LOAD_CLIENTS)]
        for thread in threads:
            thread.start()
        time.sleep(LOAD_SECONDS / 2)
        server.end(signal.SIGKILL)
        server.start()
        time.sleep(LOAD_SECONDS / 2)
        stop.set()
        for thread in threads:
            thread.join(60)
        self.assertEqual(server.end(), 0)
        self.assertEqual(broken, [])
        self.assertGreater(sum(refused), 0, "nobody noticed that the server was killed")

        server = Server(dir=server.dir)
        client = umadb.Client(server.url)
        there, counts = {}, {}
        for expected, read in enumerate(client.read(), 1):
            self.assertEqual(read.position, expected)
            there[read.event.uuid] = read.position
            key = (read.tracking_info.source, read.tracking_info.position)
            self.assertEqual(read.event.tags, [key[0]])
            counts[key] = counts.get(key, 0) + 1
        total = 0
        for number, appends in enumerate(acknowledged):
            for position, last, uuids in appends:
                self.assertEqual(there[uuids[-1]], last)
                self.assertEqual([there[uuid] for uuid in uuids], list(range(last - len(uuids) + 1, last + 1)))
                total += 1
            # Every position up to the last is there, once, with all events of its append.
            source = f"source:{number}"
            newest = client.get_tracking_info(source) or 0
            self.assertGreaterEqual(newest, max((position for position, *_ in appends), default=0))
            kept = sorted(position for named, position in counts if named == source)
            self.assertEqual(kept, list(range(1, newest + 1)))
            for position in kept:
                self.assertEqual(counts[source, position], 1 + (position - 1) % 3)
        client.close()
        self.assertEqual(server.end(), 0)
        checked = subprocess.run([STRANDLINE, "verify", server.dir], capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        print(
            f"{LOAD_CLIENTS} clients: {total} appends acknowledged in {LOAD_SECONDS:.0f} s, "
            f"{len(there)} events there, {sum(refused)} calls without an answer"
        )


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
