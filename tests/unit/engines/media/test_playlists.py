"""What names other files or hosts is never followed, whatever it is called."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import av
import av.error
import pytest

from prsnl.core.errors import PrsnlError
from prsnl.engines.media.audio import pcm
from prsnl.engines.media.container import kind_of, opened
from prsnl.engines.media.probe import media_info
from prsnl.engines.media.signatures import KINDS

#: What each tries to have opened: {file} lies beside it, {url} is a listener.
SHAPES: Final = {
    "hls relative": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{name}\n"
    "#EXT-X-ENDLIST\n",
    "hls absolute": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{file}\n"
    "#EXT-X-ENDLIST\n",
    "hls of an address": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{url}/a.ts\n"
    "#EXT-X-ENDLIST\n",
    "hls with a key": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n"
    '#EXT-X-KEY:METHOD=AES-128,URI="{file}"\n#EXTINF:5,\n{name}\n#EXT-X-ENDLIST\n',
    "hls of variants": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{name}\n",
    "ffconcat": "ffconcat version 1.0\nfile '{name}'\nfile '{file}'\n",
    "ffconcat of an address": "ffconcat version 1.0\nfile '{url}/a.mp4'\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" '
    'type="static" mediaPresentationDuration="PT5S"><Period><AdaptationSet>'
    '<Representation id="1" bandwidth="1" mimeType="video/mp4"><BaseURL>{file}'
    "</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "asx": '<asx version="3.0"><entry><ref href="{url}/a.wmv"/></entry></asx>',
    "rtsp in text": "RTSPtext\nrtsp://127.0.0.1:{port}/live\n",
    "playlist behind a tag": "ID3\x03\x00\x00\x00\x00\x00\x00#EXTM3U\n#EXTINF:5,\n"
    "{file}\n",
    "smooth": '<?xml version="1.0"?><SmoothStreamingMedia><StreamIndex Url="{url}"/>'
    "</SmoothStreamingMedia>",
}
NAMES: Final = ("movie.mp4", "movie.mkv", "song.mp3", "talk.wav", "clip.ts", "a.m3u8")


class Neighbour:
    """A pipe beside the file: who opens it waits there until he is seen."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "neighbour.ts"
        self.was_opened = False
        #: It has looked, and found nobody, as it should.
        self.has_looked = threading.Event()
        self._stop = threading.Event()
        os.mkfifo(self.path)
        self._watch = threading.Thread(target=self._look)
        self._watch.start()

    def _look(self) -> None:
        while not self._stop.wait(0.002):
            try:
                os.close(os.open(self.path, os.O_WRONLY | os.O_NONBLOCK))
            except OSError as error:
                if error.errno == errno.ENXIO:
                    self.has_looked.set()
            else:
                self.was_opened = True

    def leave(self) -> None:
        self._stop.set()
        self._watch.join()


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[Neighbour]:
    found = Neighbour(tmp_path)
    yield found
    found.leave()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        found.settimeout(0)
        yield found


def posing(shape: str, neighbour: Neighbour, listener: socket.socket) -> bytes:
    port = listener.getsockname()[1]
    told = SHAPES[shape].format(
        name=neighbour.path.name,
        file=neighbour.path,
        url=f"http://127.0.0.1:{port}",
        port=port,
    )
    return told.encode("latin-1")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_playlist_that_poses_as_a_recording_reads_nothing_beside_it(
    tmp_path: Path, shape: str, neighbour: Neighbour, listener: socket.socket
) -> None:
    """Neither by its name, nor where a demuxer of ours is led to it all the same."""
    content = posing(shape, neighbour, listener)
    for name in NAMES:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(PrsnlError):
            media_info(path)
    for kind in KINDS:
        try:
            with opened(path, kind) as container:
                for packet in container.demux():
                    assert packet.size <= len(content)
            for _ in pcm(path, kind):
                pass
        except PrsnlError:
            continue
        except av.error.FFmpegError:
            continue

    assert neighbour.has_looked.wait(30)
    assert not neighbour.was_opened
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize("shape", [one for one in SHAPES if "tag" not in one])
def test_no_playlist_is_taken_for_a_recording(
    tmp_path: Path, shape: str, neighbour: Neighbour, listener: socket.socket
) -> None:
    path = tmp_path / "movie.mp4"
    path.write_bytes(posing(shape, neighbour, listener))

    assert kind_of(path) is None


def test_the_neighbour_sees_who_follows_a_playlist(
    tmp_path: Path, neighbour: Neighbour, listener: socket.socket
) -> None:
    """The measure itself: PyAV as it comes does open what stands beside it."""
    path = tmp_path / "list.m3u8"
    path.write_bytes(posing("hls relative", neighbour, listener))

    with pytest.raises(av.error.FFmpegError):
        av.open(str(path), timeout=5.0)

    assert neighbour.was_opened
