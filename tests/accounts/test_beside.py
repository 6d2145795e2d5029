"""Work beside requests: a burst of it is no burst of threads, and none of it is lost without a word."""

from collections.abc import Callable

BURST = """
import threading
from muniment.server.accounts import mail
before, go, done = threading.active_count(), threading.Event(), threading.Semaphore(0)
def work():
    go.wait(30)
    done.release()
for _ in range(50):
    mail.beside(work)
print(threading.active_count() - before)
go.set()
print(sum(done.acquire(timeout=30) for _ in range(50)))
"""

FLOOD = """
import logging, threading
from muniment.server.accounts import mail
told, go, done = [], threading.Event(), threading.Semaphore(0)
class Heard(logging.Handler):
    def emit(self, record):
        told.append(record.getMessage())
logging.getLogger("muniment.accounts").addHandler(Heard())
def work():
    go.wait(30)
    done.release()
for _ in range(1010):
    mail.beside_if_room(work)
mail.beside(work)
print(len([text for text in told if "left out" in text]))
go.set()
print(sum(done.acquire(timeout=30) for _ in range(1001)))
def fails():
    try:
        raise ValueError("of a provider's")
    finally:
        done.release()
mail.beside_if_room(fails)
mail.beside_if_room(done.release)
print(sum(done.acquire(timeout=30) for _ in range(2)))
mail._threads.shutdown()
print(told[-1])
"""


def test_a_burst_of_work_has_few_threads_and_all_of_it_is_done(in_server: Callable[..., str]) -> None:
    threads, done = in_server(BURST).split()
    assert 1 <= int(threads) <= 4
    assert done == "50"


def test_what_anybody_can_ask_for_is_bounded_and_keeps_out_nothing_else(in_server: Callable[..., str]) -> None:
    assert in_server(FLOOD).splitlines() == ["10", "1001", "2", "work beside a request failed"]
