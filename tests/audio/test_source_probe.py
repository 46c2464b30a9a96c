import os
import socket
import stat
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from audio_material import noise, write

from bridge.protocol.errors import PunchinError
from daemon.audio.probe import probe, regular_file, unchanged
from daemon.audio.reading import blocks


def refused(path: object, roots: tuple[str, ...] = ()) -> PunchinError:
    with pytest.raises(PunchinError) as caught:
        probe(str(path), roots)
    assert "\n" not in caught.value.message
    assert ";" in caught.value.message, "a message ends with what to do"
    return caught.value


@pytest.mark.parametrize(
    ("container", "subtype"),
    [
        *[("WAV", s) for s in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW")],
        *[(c, "PCM_24") for c in ("WAVEX", "RF64", "W64", "AIFF", "FLAC", "CAF")],
        ("MP3", "MPEG_LAYER_III"),
        ("OGG", "VORBIS"),
    ],
)
def test_accepts(tmp_path, container, subtype):
    info = write(tmp_path / "a.x", noise(1, 5000, 2), 44_100, subtype, container)
    found = (tmp_path / "a.x").stat()
    assert (info.container, info.subtype) == (container, subtype)
    assert (info.rate, info.channels, info.frames) == (44_100, 2, 5000)
    assert (info.size, info.mtime_ns) == (found.st_size, found.st_mtime_ns)


@pytest.mark.parametrize("channels", range(1, 9))
def test_one_to_eight_channels(tmp_path, channels):
    assert write(tmp_path / "a.wav", noise(1, 100, channels)).channels == channels


def test_unusual_formats_are_refused_and_told_what_is_accepted(tmp_path):
    for channels, rate in ((9, 48_000), (1, 7_999), (1, 192_001)):
        path = tmp_path / f"{channels}-{rate}.wav"
        soundfile.write(str(path), noise(1, 100, channels), rate)
        fault = refused(path)
        assert fault.code == 201
        assert "8 to 192 kHz" in fault.message
    soundfile.write(str(tmp_path / "a.au"), noise(1, 100), 48_000, format="AU")
    assert refused(tmp_path / "a.au").code == 201


@pytest.mark.parametrize("url", ["http://a/b.wav", "file:///tmp/a.wav", "smb://x/y", "\\\\.\\COM1"])
def test_urls_and_device_names_are_forbidden(url):
    assert refused(url).code == 204


@pytest.mark.parametrize("path", ["a.wav", "./a.wav", "~/a.wav", "", "/tmp/a\0.wav"])
def test_paths_that_are_not_absolute(path):
    assert refused(path).code == 101


def test_missing(tmp_path):
    assert refused(tmp_path / "none.wav").code == 200
    write(tmp_path / "a.wav", noise(1, 100))
    assert refused(tmp_path / "a.wav" / "b.wav").code == 200
    assert refused(tmp_path / ("n" * 5000)).code == 200
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert refused(tmp_path / "loop").code == 200


@pytest.mark.skipif(os.name == "nt", reason="POSIX files")
def test_pipes_sockets_and_devices_are_never_opened(tmp_path):
    os.mkfifo(tmp_path / "fifo.wav")
    (tmp_path / "link.wav").symlink_to(tmp_path / "fifo.wav")
    with socket.socket(socket.AF_UNIX) as server:
        short = os.path.relpath(tmp_path / "s.wav")
        server.bind(short if len(short) < 100 else str(tmp_path / "s.wav"))
        for name in ("fifo.wav", "link.wav", "s.wav"):
            assert refused(tmp_path / name).code == 204
    assert refused("/dev/zero").code == 204


@pytest.mark.parametrize(
    "content", [b"", b"just a few words\n" * 90, b"RIFF", b"RIFF\0\0\0\0WAVE", b"\0" * 4096]
)
def test_what_is_not_audio(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    assert refused(tmp_path / "a.wav").code == 201


def test_folder_and_empty_audio(tmp_path):
    assert refused(tmp_path).code == 201
    soundfile.write(str(tmp_path / "a.wav"), np.zeros((0, 2)), 44_100)
    assert refused(tmp_path / "a.wav").code == 201


def test_random_bytes_are_never_more_than_an_error(tmp_path):
    rng = np.random.default_rng(3)
    heads = (b"RIFF", b"RF64", b"FORM", b"riff", b"fLaC", b"OggS", b"ID3\3", b"\xff\xfb\x90d")
    for head in heads * 4:
        (tmp_path / "a.wav").write_bytes(head + rng.bytes(600))
        assert refused(tmp_path / "a.wav").code == 201


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_no_permission(tmp_path):
    path = tmp_path / "a.wav"
    write(path, noise(1, 100))
    path.chmod(0)
    if os.geteuid() != 0:
        assert refused(path).code == 201
        return
    code = (
        "import os, sys; from daemon.audio.probe import probe; import soundfile\n"
        "os.setuid(65534)\n"
        "try: probe(sys.argv[1])\n"
        "except Exception as fault: print(fault.code)"
    )
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and not folder.stat().st_mode & stat.S_IXOTH:
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "201"


@pytest.mark.parametrize("container", ["WAV", "WAVEX", "RF64", "W64", "AIFF"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_truncated(tmp_path, container, subtype):
    path = tmp_path / "a.wav"
    whole = write(path, noise(1, 1001, 1), 44_100, subtype, container)
    assert whole.frames == 1001
    content = path.read_bytes()
    for lost in (4, 300, 1500):
        path.write_bytes(content[:-lost])
        fault = refused(path)
        assert fault.code == 201
        assert "truncated" in fault.message


def test_a_file_still_being_recorded_is_read_as_far_as_it_is(tmp_path):
    path = tmp_path / "a.wav"
    write(path, noise(1, 1000, 1))
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[4:8] = content[at : at + 4] = struct.pack("<I", 0xFFFF_FFFF)
    path.write_bytes(content)
    assert probe(str(path)).frames == 1000
    content[4:8] = content[at : at + 4] = struct.pack("<I", 0)
    path.write_bytes(content)
    fault = refused(path)
    assert fault.code == 201
    assert "stopped" in fault.message


@pytest.mark.parametrize(("container", "subtype"), [("FLAC", "PCM_24"), ("MP3", "MPEG_LAYER_III")])
@pytest.mark.parametrize("share", [0.5, 0.97])
def test_truncated_where_no_chunk_tells_the_length(tmp_path, container, subtype, share):
    path = tmp_path / "a.x"
    content = Path(write(path, noise(1, 100_000, 2), 44_100, subtype, container).path).read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    fault = refused(path)
    assert fault.code == 201
    assert "truncated" in fault.message


def test_an_odd_chunk_before_the_audio_is_padded(tmp_path):
    path = tmp_path / "a.wav"
    write(path, noise(1, 1000, 1))
    content = path.read_bytes()
    odd = b"note" + struct.pack("<I", 5) + b"hello\0"
    path.write_bytes(content[:12] + odd + content[12:])
    assert probe(str(path)).frames == 1000
    path.write_bytes(content[:12] + odd + content[12:-40])
    assert "truncated" in refused(path).message


def test_chunks_after_the_audio_are_no_fault(tmp_path):
    path = tmp_path / "a.wav"
    write(path, noise(1, 1000, 1))
    path.write_bytes(path.read_bytes() + b"LIST" + struct.pack("<I", 4) + b"INFO" + b"junk")
    assert probe(str(path)).frames == 1000


def untagged_mp3(path: Path, mode: str) -> int:
    """Write an MP3 without a length tag; return how many frames went in."""
    x = np.concatenate([noise(1, 44_100, 2), np.zeros((44_100, 2)), noise(2, 44_100, 2, 0.01)])
    with soundfile.SoundFile(
        str(path), "w", 44_100, 2, "MPEG_LAYER_III", bitrate_mode=mode, compression_level=0.5
    ) as file:
        file.write(x)
    content = path.read_bytes()
    tag = max(content.find(b"Xing"), content.find(b"Info"))
    path.write_bytes(content[:tag] + b"\0\0\0\0" + content[tag + 4 :])
    return len(x)


def test_mp3_without_a_length_tag_is_counted(tmp_path):
    written = untagged_mp3(tmp_path / "a.mp3", "CONSTANT")
    info = probe(str(tmp_path / "a.mp3"))
    assert info.frames < soundfile.info(info.path).frames, "libsndfile's own guess is too long"
    assert written <= info.frames <= written + 3 * 1152
    assert sum(len(b) for b in blocks(info, 0, info.frames)) == info.frames


def test_mp3_whose_guessed_length_hides_music_is_refused(tmp_path):
    written = untagged_mp3(tmp_path / "a.mp3", "VARIABLE")
    assert soundfile.info(str(tmp_path / "a.mp3")).frames < written
    assert refused(tmp_path / "a.mp3").code == 201


def test_roots(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    write(inside / "a.wav", noise(1, 100))
    write(outside / "b.wav", noise(1, 100))
    (inside / "link.wav").symlink_to(outside / "b.wav")
    assert probe(str(inside / "a.wav"), (str(inside),)).frames == 100
    assert probe(str(outside / "b.wav"), (str(inside), str(outside))).frames == 100
    for path in (outside / "b.wav", inside / "link.wav", inside / ".." / "out" / "b.wav"):
        assert refused(path, (str(inside),)).code == 204
    assert refused(outside / "b.wav", (str(tmp_path / "ou"),)).code == 204


def test_unchanged(tmp_path):
    path = tmp_path / "a.wav"
    info = write(path, noise(1, 100))
    unchanged(info)
    os.utime(path, ns=(info.mtime_ns, info.mtime_ns + 1_000_000))
    with pytest.raises(PunchinError) as caught:
        unchanged(info)
    assert caught.value.code == 202
    path.write_bytes(path.read_bytes() + b"\0")
    os.utime(path, ns=(info.mtime_ns, info.mtime_ns))
    with pytest.raises(PunchinError) as caught:
        unchanged(info)
    assert caught.value.code == 202
    path.unlink()
    with pytest.raises(PunchinError) as caught:
        unchanged(info)
    assert caught.value.code == 200


def test_no_audio_is_decoded_where_the_header_is_enough(tmp_path, monkeypatch):
    infos = [
        write(tmp_path / "a.mp3", noise(1, 3000, 1), 44_100, "MPEG_LAYER_III", "MP3"),
        write(tmp_path / "a.wav", noise(1, 3000, 1)),
    ]
    read, asked = soundfile.SoundFile.read, []
    monkeypatch.setattr(
        soundfile.SoundFile, "read", lambda self, n, **k: asked.append(n) or read(self, n, **k)
    )
    assert [probe(i.path) for i in infos] == infos
    assert sum(asked) <= 1


def test_a_file_that_is_no_audio_may_still_be_a_regular_one(tmp_path):
    (tmp_path / "lyrics.txt").write_text("la la")
    regular_file(str(tmp_path / "lyrics.txt"), (str(tmp_path),))
    for path, roots, code in (
        (tmp_path / "none.txt", (), 200),
        (tmp_path, (), 201),
        (tmp_path / "lyrics.txt", (str(tmp_path / "other"),), 204),
        ("http://a/b", (), 204),
    ):
        with pytest.raises(PunchinError) as caught:
            regular_file(str(path), roots)
        assert caught.value.code == code
