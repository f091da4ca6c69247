"""Frames per second that a labeller sees: one leased CT image as PNG, over HTTP.

A hospital deposits one CT of 512 x 512 pixels, it is cleaned, approved and issued, and a labeller
opens its task: the play of the demo up to there. Each look then decrypts, decodes, marks and
encodes the frame anew, as each bears its viewer and the second. Clients and server share the cores
of this machine.
"""

import http.client
import os
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from clean_ct import big_ct
from figures import record
from gate_http import NO_LIMIT

from api.client.labelling import Project
from api.demo import scenes
from api.demo.material import given
from api.demo.stage import Stage, staged

FRAMES = 300


def run() -> None:
    os.environ.update(NO_LIMIT)
    with (
        tempfile.TemporaryDirectory(prefix="anbiao-bench-") as name,
        staged(Path(name) / "house", keep=False) as stage,
    ):
        play = played(stage, Path(name) / "input")
        labeller = play.company["labeller-1"]
        task = Project(labeller.door, play.company.ledger, play.project).next_task()
        assert task is not None
        path = f"/v1{play.hospital}/leases/{task['lease']}/frames/0"
        headers = {"Authorization": f"Bearer {labeller.door.token}"}
        for threads in (1, 4):
            measure(stage.url, path, headers, threads)
        play.company.close()


def played(stage: Stage, folder: Path) -> scenes.Play:
    """The play until there is something to label."""
    folder.mkdir()
    (folder / "ct.dcm").write_bytes(big_ct(0))
    play = scenes.Play(stage, lambda _what, _done, _total: None)
    scenes.gather_people(play)
    scenes.make_dataset(play)
    scenes.hand_over(play, given(folder))
    for scene in (scenes.clean, scenes.approve, scenes.open_project):
        scene(play)
    return play


def measure(url: str, path: str, headers: dict[str, str], threads: int) -> None:
    spans: list[float] = []

    def look() -> None:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        for _ in range(FRAMES // threads):
            begun = time.perf_counter()
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            octets = answer.read()
            spans.append(time.perf_counter() - begun)
            assert answer.status == 200, octets[:200]
        connection.close()

    workers = [threading.Thread(target=look) for _ in range(threads)]
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    took = time.perf_counter() - begun
    assert len(spans) == FRAMES, "a client failed"
    spans.sort()
    record("label", f"frames_512_ct_{threads}_threads", FRAMES / took, "frames/s")
    for share in (50, 99):
        record(
            "label", f"frame_p{share}_{threads}_threads", spans[FRAMES * share // 100] * 1e3, "ms"
        )


if __name__ == "__main__":
    run()
