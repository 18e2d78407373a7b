"""How much of a recording is looked at: every limit, said once."""

from __future__ import annotations

from typing import Final

#: One recording; what is longer is divided first.
DURATION_MAX_S: Final = 24 * 3600.0
#: One picture of a video: 8K UHD has 33 million.
PIXELS_MAX: Final = 40_000_000
#: Tracks that are looked at.
STREAMS_MAX: Final = 64
#: Shots of one span that are kept.
SHOTS_MAX: Final = 60
#: Marks that a file may bring.
CHAPTERS_MAX: Final = 1_000
#: One value of the tags, in characters.
VALUE_CHARACTERS: Final = 300
#: Sound of fewer samples a second is no speech, and grows without end when resampled.
AUDIO_RATE_MIN: Final = 2_000
#: Silence put in where packets are missing, at one place.
GAP_MAX_S: Final = 600.0
#: Packets in a row that cannot be decoded before the rest counts as unreadable.
BAD_PACKETS_MAX: Final = 2_000
#: Packets that are counted to tell a length that the header does not say.
COUNTED_PACKETS_MAX: Final = 20_000_000
#: Pictures a second that are looked at; more are no film.
FRAME_RATE_MAX: Final = 500.0
#: A picture that comes with the sound, in bytes.
COVER_BYTES_MAX: Final = 32 * 2**20
