"""The stock pipeline's six tasks, and the same asked of the own sampler."""

import torch

from daemon.engines.acestep.dit import context as shown
from daemon.engines.acestep.dit.conditions import encode, encode_text
from daemon.engines.acestep.dit.sampler import Problem, dit_of, sample
from daemon.engines.acestep.dit.schedule import schedule
from daemon.engines.acestep.parts import Checkpoint, Shared
from daemon.engines.acestep.text.prompt import metadata, text_of

CAPTION = "warm piano, brushed drums"
LYRICS = "[verse]\nSoft notes in the morning light"
BPM, METRE, KEY = 96, (3, 4), "F# minor"
TASKS = {
    "text2music": {},
    "repaint": {"repainting_start": 2.0, "repainting_end": 4.4},
    "cover": {"audio_cover_strength": 0.7},
    "extract": {"track_name": "vocals"},
    "lego": {"track_name": "drums", "repainting_start": 1.0, "repainting_end": 5.0},
    "complete": {"complete_track_classes": ["drums", "bass"]},
}
"""What each task is asked with besides the texts."""


def parts_of(pipe, family):
    """The pipeline's own modules as the engine holds them."""
    turbo = family == "turbo"
    checkpoint = Checkpoint(
        family,
        family,
        False,
        pipe.transformer,
        pipe.condition_encoder,
        pipe.audio_tokenizer,
        pipe.audio_token_detokenizer,
        shift=3.0 if turbo else 1.0,
        steps=8 if turbo else 12,
        guidance=1.0 if turbo else 7.0,
    )
    return Shared(pipe.vae, pipe.text_encoder, pipe.tokenizer), checkpoint


def audio(seconds, seed=3):
    own = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(2, int(seconds * 48_000), generator=own)


def latents_of(pipe, samples):
    with torch.no_grad():
        return pipe.vae.encode(samples[None]).latent_dist.mean[0].T


def noise_for(pipe, takes, frames, seed=1):
    channels = pipe.transformer.config.audio_acoustic_hidden_dim
    return torch.randn(takes, frames, channels, generator=torch.Generator().manual_seed(seed))


def stock(pipe, checkpoint, task, seconds, noise, source=None, **more):
    """Final latents `(B, T, C)` of diffusers' pipeline."""
    takes = noise.shape[0]
    return pipe(
        prompt=[CAPTION] * takes,
        lyrics=[LYRICS] * takes,
        audio_duration=seconds,
        bpm=BPM,
        keyscale=KEY,
        timesignature=str(METRE[0]),
        task_type=task,
        src_audio=source,
        latents=noise,
        num_inference_steps=checkpoint.steps,
        shift=checkpoint.shift,
        guidance_scale=checkpoint.guidance,
        output_type="latent",
        **{**TASKS[task], **more},
    ).audios


def conditions_for(shared, checkpoint, task, seconds, timbre=None, tracks=()):
    told, _ = metadata(seconds, BPM, METRE, KEY)
    text = text_of(task, CAPTION, LYRICS, told, "en", tracks)
    return encode(checkpoint, encode_text(shared, text), timbre)


def tracks_of(task):
    extra = TASKS[task]
    return (
        [extra["track_name"]] if "track_name" in extra else extra.get("complete_track_classes", ())
    )


def context_for(checkpoint, task, latents):
    """The context of a task over latents `(T, C)`."""
    if task == "text2music":
        return shown.whole(shown.silence(checkpoint, len(latents)))
    if task == "cover":
        return shown.whole(shown.through_codes(checkpoint, latents))
    if task in ("extract", "complete"):
        return shown.whole(latents)
    span = [int(TASKS[task][f"repainting_{side}"] * 25) for side in ("start", "end")]
    new = shown.new_frames(len(latents), [tuple(span)])
    return shown.region(latents, new) if task == "lego" else shown.hole(checkpoint, latents, new)


def problem_for(shared, checkpoint, task, seconds, noise, latents, timbre=None, **more):
    """The own sampler's problem for a task, nothing held."""
    strength = TASKS[task].get("audio_cover_strength", 1.0)
    plain = conditions_for(shared, checkpoint, "text2music", seconds, timbre)
    asked = conditions_for(shared, checkpoint, task, seconds, timbre, tracks_of(task))
    return Problem(
        **{
            "context": context_for(checkpoint, task, latents),
            "noise": noise,
            "conditions": asked,
            "schedule": schedule(checkpoint.steps, checkpoint.shift),
            "guidance": checkpoint.guidance,
            "plain": plain if strength < 1 else None,
            "strength": strength,
            **more,
        }
    )


def own(shared, checkpoint, task, seconds, noise, latents, timbre=None, **more):
    problem = problem_for(shared, checkpoint, task, seconds, noise, latents, timbre, **more)
    return sample(dit_of(checkpoint), problem)


def apart(got, want):
    """Largest difference relative to the RMS of `want`."""
    return float((got - want).abs().max() / want.square().mean().sqrt())
