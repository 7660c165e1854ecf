from __future__ import annotations

from pathlib import Path

import pytest

from peer.voice.media_file import MediaError
from peerlane.call import tracks_of
from tests.peer.voice.test_media_file import write_video, write_wav


async def slots_of(play: str) -> set[str]:
    tracks = await tracks_of(play, loop=False)
    for track in tracks.values():
        track.stop()
    return set(tracks)


async def test_sound_goes_where_a_microphone_would_and_pictures_where_a_camera_would(tmp_path: Path) -> None:
    assert await slots_of(str(write_wav(tmp_path / "a.wav", 8000, 1, 0.1, 440.0))) == {"microphone"}
    assert await slots_of(str(write_video(tmp_path / "v.mp4", count=3))) == {"camera"}
    assert await slots_of("tone") == {"microphone"}
    assert await slots_of("") == set()


async def test_what_is_no_media_is_refused_before_anybody_is_called(tmp_path: Path) -> None:
    with pytest.raises(MediaError):
        await tracks_of(str(tmp_path / "missing.wav"), loop=False)
