"""Gates of loudness, true peak, clipping, exactness and variety, a job of each op at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from benchmarks.sketch import rulers
from benchmarks.sketch.corpus.clip import Clip
from benchmarks.sketch.performer import Job, Performer
from benchmarks.sketch.table import Figure, at_least, at_most
from daemon.engines.sketch.jobs.studio import open_studio

_CONTEXT_S = 8.0
_PEAK_DBTP = -1.0


def figures(clips: Sequence[Clip], player: Performer) -> list[Figure]:
    """Generate in every style; bgm for the voices; extend and repaint the mixes."""
    mixes = [c for c in clips if c.group in ("fluid", "given") and c.downbeat is not None][::3]
    voices = [c for c in clips if c.group == "sung" and "wet" not in c.tags]
    peaks: list[tuple[float, str]] = []
    clipped: list[int] = []
    rows = [
        _generate(player, clips[0].set, peaks, clipped),
        *_bgm(voices, player, peaks, clipped),
        *_edits(mixes, player, peaks, clipped),
    ]
    top = max(peaks)
    rows.append(
        at_most("true peak, all ops, highest", top[0], _PEAK_DBTP, " dBTP", worst=(top[1],))
    )
    rows.append(at_most("clipped samples", float(sum(clipped)), 0, "", 0))
    return [*rows, *_variety(voices[0], player)]


def _tell(name: str, x: np.ndarray, rate: int, peaks: list, clipped: list) -> None:
    peaks.append((rulers.true_peak_db(x, rate), name))
    clipped.append(int((np.abs(x) >= 1.0).sum()))


def _generate(player: Performer, set_name: str, peaks: list, clipped: list) -> Figure:
    errors, seed = [], {"tune": 21, "test": 84}[set_name]
    for name in open_studio().styles:
        job = player.run("generate", bars=8, preset=name, seed=seed)
        mix = job.mix()
        errors.append((abs(rulers.lufs(mix, job.rate) + 16), name))
        _tell(f"generate {name}", mix, job.rate, peaks, clipped)
    worst = [f"{n} {e:.2f} LU" for e, n in sorted(errors, reverse=True)[:3]]
    return at_most(
        "loudness of generate, farthest from −16 LUFS", max(errors)[0], 0.5, " LU", worst=worst
    )


def _bgm(voices: Sequence[Clip], player: Performer, peaks: list, clipped: list) -> list[Figure]:
    errors, sums = [], []
    for clip in voices:
        job = player.run(
            "bgm",
            clip.file,
            bpm=clip.bpm,
            meter=f"{clip.beats}/{clip.unit}",
            downbeat=clip.downbeat or 0.0,
        )
        assert job.source is not None
        voice = np.repeat(job.source, 2, axis=1) if job.source.shape[1] == 1 else job.source
        mix = job.mix()
        found = rulers.lufs(mix, job.rate) - rulers.lufs(voice, job.rate)
        errors.append((abs(found + 3), f"{clip.name} {found:+.2f} LU against the voice"))
        _tell(f"bgm {clip.name}", mix, job.rate, peaks, clipped)
        if rulers.true_peak_db(voice, job.rate) < _PEAK_DBTP:
            sums.append((rulers.true_peak_db(voice + mix, job.rate), clip.name))
    worst = [n for _, n in sorted(errors, reverse=True)[:4]]
    rows = [
        at_most(
            "loudness of bgm, farthest from the gated vocal − 3 LU",
            max(errors)[0],
            1.0,
            " LU",
            worst=worst,
        )
    ]
    if sums:
        rows.append(
            at_most(
                "true peak of vocal + bgm, highest",
                max(sums)[0],
                _PEAK_DBTP,
                " dBTP",
                note=f" ({len(sums)} voices below it alone)",
            )
        )
    return rows


def _edits(clips: Sequence[Clip], player: Performer, peaks: list, clipped: list) -> list[Figure]:
    rows = []
    extended, painted = [], []
    for clip in clips:
        told = {"bpm": clip.bpm, "meter": f"{clip.beats}/{clip.unit}", "downbeat": clip.downbeat}
        own_peak = rulers.true_peak_db(clip.read()[0], clip.read()[1])
        job = player.run("extend", clip.file, bars=8, **told)
        extended.append((_beside(job), clip.name))
        _note_peak(f"extend {clip.name}", job, own_peak, peaks, clipped)
        start = clip.downbeat + 2 * clip.bar_s
        for keys in ({}, {"strength": 0.9}):
            job = player.run(
                "repaint", clip.file, start=start, end=start + 2 * clip.bar_s, **told, **keys
            )
            painted.append((_beside(job), f"{clip.name} {keys}"))
            _note_peak(f"repaint {clip.name}", job, own_peak, peaks, clipped)
    for name, found in (("extend", extended), ("repaint", painted)):
        share = 100 * float(np.mean([abs(e) <= 1 for e, _ in found]))
        worst = [f"{n} {e:+.1f} LU" for e, n in sorted(found, key=lambda x: -abs(x[0]))[:4]]
        note = f"; median distance {np.median([abs(e) for e, _ in found]):.2f} LU"
        rows.append(
            at_least(
                f"loudness of {name} within 1 LU of the context", share, 100, note=note, worst=worst
            )
        )
    return rows


def _note_peak(name: str, job: Job, own: float, peaks: list, clipped: list) -> None:
    """A clip that is itself above the ceiling may keep its own peak."""
    for region in job.regions:
        found = rulers.true_peak_db(region, job.rate)
        peaks.append((found if own <= _PEAK_DBTP else min(found, found - own + _PEAK_DBTP), name))
        clipped.append(int((np.abs(region) >= 1.0).sum()))


def _beside(job: Job) -> float:
    """Loudness of the new material less that of what lies beside it."""
    assert job.source is not None
    (a, b), rate = job.spans[-1], job.rate
    reach = round(_CONTEXT_S * rate)
    around = np.concatenate([job.source[max(0, a - reach) : a], job.source[b : b + reach]])
    return rulers.lufs(job.regions[-1], rate) - rulers.lufs(around, rate)


def _variety(voice: Clip, player: Performer) -> list[Figure]:
    """Notes of one seed that have no partner in the next one's plan."""
    told = {"bpm": voice.bpm, "meter": f"{voice.beats}/{voice.unit}", "downbeat": voice.downbeat}
    shares, same = [], []
    cases = [
        ("generate", None, {"bars": 8, "preset": s, "bpm": 110.0})
        for s in ("pop", "lofi", "rock", "jazz", "house")
    ] + [("bgm", voice.file, told)]
    for op, source, keys in cases:
        jobs = [player.run(op, source, seed=seed, **keys) for seed in (7, 8, 7)]
        shares.append((_alone(jobs[0], jobs[1]), f"{op} {keys.get('preset', '')}"))
        first, again = jobs[0].stems(), jobs[2].stems()
        same.append(
            first.keys() == again.keys() and all(np.array_equal(first[k], again[k]) for k in first)
        )
    worst = [f"{n} {100 * s:.0f} %" for s, n in sorted(shares)[:4]]
    return [
        at_least(
            "variety: notes without a partner in the next seed, lowest job",
            100 * min(shares)[0],
            30,
            worst=worst,
            note=f"; mean {100 * np.mean([s for s, _ in shares]):.0f}",
        ),
        at_least("same seed, same samples", 100 * float(np.mean(same)), 100, digits=0),
    ]


def _alone(a: Job, b: Job) -> float:
    """Share of notes of `a` without one of same part and pitch within 1/32 in `b`."""
    plans = [json.loads(j.documents["plan"]) for j in (a, b)]
    table: dict[tuple[str, int], list[float]] = {}
    for part in plans[1]["parts"]:
        for note in part["notes"]:
            table.setdefault((part["stem"], note[2]), []).append(note[0])
    alone = [
        not any(abs(note[0] - at) <= 1 / 8 for at in table.get((part["stem"], note[2]), []))
        for part in plans[0]["parts"]
        for note in part["notes"]
    ]
    return float(np.mean(alone))
