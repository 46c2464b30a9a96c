"""Accompaniments, against the stock call that makes one."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.acestep import clips, stock
from benchmarks.acestep.desk import Desk
from benchmarks.acestep.table import Row, milliseconds


def bgm_rows(desk: Desk) -> list[Row]:
    """Accompaniments by the base checkpoint, 50 steps, guidance 7, for 30 s of clip."""
    on_cuda = desk.device.type == "cuda"
    steps = 50 if on_cuda else 2
    source = desk.clip(30.0, 4)
    rows, one_s = [], 0.0
    for takes, goal in ((1, "≤ 1.0 s"), (3, "≤ 2.5 s")):
        work = desk.bench.work(
            "bgm",
            source,
            prompt=desk.prompt(),
            steps=steps,
            guidance=7.0,
            takes=takes,
            ways=("complete",),
        )
        if takes == 1 or on_cuda:
            desk.bench.run(work)
            desk.bench.idle()  # a step of this length is made ready
        took = desk.bench.run(replace(work, seed=work.seed + 100))
        one_s = one_s or took.whole_s
        rows.append(
            Row(
                f"bgm by base, {steps} steps, guidance 7, 30 s: {takes} candidate(s)",
                (milliseconds(took.whole_s),),
                goal if on_cuda else "",
            )
        )
    parts, common = desk.models.parts["base"], desk.models.common
    pipe = stock.pipeline(parts, common, desk.models.placement.transformer_dtype)
    told = {"task_type": "complete", "num_inference_steps": steps, "shift": 1.0}
    told |= {"guidance_scale": 7.0, "lyrics": "", "complete_track_classes": ["drums", "bass"]}
    clip = clips.music(30.0, 4)
    stock.seconds(pipe, desk.device, desk.clock, clip, prompt=desk.prompt(), **told)
    took_s = stock.seconds(pipe, desk.device, desk.clock, clip, prompt=desk.prompt(), **told)
    rows.append(Row("the stock call for it", (milliseconds(took_s),)))
    rows.append(Row("stock / one candidate", (f"{took_s / one_s:.2f} ×",), "≥ 1.3 ×"))
    return rows
