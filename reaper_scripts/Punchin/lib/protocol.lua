-- @noindex
-- The Punchin protocol as data: commands, ops, keys, events, errors.
-- Made from the command table by `python -m bridge.protocol.render`; do not edit.

local M = {}

M.PROTOCOL = 1

M.PORT = 9140

M.PREFIX = "/punchin/"

M.TERMINAL = {"/punchin/done", "/punchin/failed", "/punchin/cancelled"}

M.STEMS = {"vocals", "backing_vocals", "drums", "percussion", "bass", "guitar", "keyboard", "pad", "synth", "strings", "brass", "woodwinds", "fx", "other"}

M.FORMATS = {"source", "wav16", "wav24", "wav32f", "flac"}

M.SINKS = {"file", "preview", "reastream", "jack"}

M.OPS = {
  generate = {does = "new music from prompt, lyrics, tempo, key", needs = {"seconds|bars|plan"}},
  repaint = {does = "replaces start…end by new material, everything else bit-identical", needs = {"source", "start", "end"}},
  extend = {does = "continues the clip, after it, before it or both", needs = {"source", "bars|seconds"}},
  bgm = {does = "accompaniment for a vocal", needs = {"source"}},
  cover = {does = "the clip again in another style or voice", needs = {"source"}},
  retake = {does = "a nearby variation of a result this daemon made, or of a region", needs = {"source|of"}},
  edit = {does = "changes lyrics or style and keeps the rest", needs = {"source", "lyrics|prompt"}},
  layer = {does = "one more instrument that fits the clip", needs = {"source", "track"}},
  stems = {does = "separates the clip", needs = {"source"}},
  analyze = {does = "tempo, key, chords, bars, melody, loudness", needs = {"source"}},
}

M.OP_ORDER = {"generate", "repaint", "extend", "bgm", "cover", "retake", "edit", "layer", "stems", "analyze"}

M.COMMANDS = {
  ["/punchin/region"] = {args = {{name = "source", type = "s", optional = false}, {name = "start", type = "d", optional = false}, {name = "end", type = "d", optional = false}, {name = "clip_start", type = "d", optional = true}, {name = "clip_end", type = "d", optional = true}}, keys = false, reply = "", available = true},
  ["/punchin/region_frames"] = {args = {{name = "source", type = "s", optional = false}, {name = "start", type = "h", optional = false}, {name = "end", type = "h", optional = false}, {name = "clip_start", type = "h", optional = true}, {name = "clip_end", type = "h", optional = true}}, keys = false, reply = "", available = true},
  ["/punchin/place"] = {args = {{name = "seconds", type = "d", optional = false}, {name = "beat", type = "d", optional = false}}, keys = false, reply = "", available = true},
  ["/punchin/tempo"] = {args = {{name = "bpm", type = "f", optional = false}, {name = "beats", type = "i", optional = true}, {name = "unit", type = "i", optional = true}}, keys = false, reply = "", available = true},
  ["/punchin/downbeat"] = {args = {{name = "second", type = "d", optional = false}}, keys = false, reply = "", available = true},
  ["/punchin/tempomap"] = {args = {{name = "map", type = "s", optional = false}}, keys = false, reply = "", available = true},
  ["/punchin/lyrics"] = {args = {{name = "text", type = "s", optional = false}, {name = "language", type = "s", optional = true}}, keys = false, reply = "", available = true},
  ["/punchin/prompt"] = {args = {{name = "text", type = "s", optional = false}}, keys = false, reply = "", available = true},
  ["/punchin/key"] = {args = {{name = "name", type = "s", optional = false}}, keys = false, reply = "", available = true},
  ["/punchin/set"] = {args = {}, keys = true, reply = "", available = true},
  ["/punchin/reset"] = {args = {}, keys = false, reply = "", available = true},
  ["/punchin/transport"] = {args = {{name = "playing", type = "i", optional = false}, {name = "beat", type = "d", optional = false}, {name = "bpm", type = "f", optional = false}, {name = "bar_beat", type = "d", optional = true}}, keys = false, reply = "", available = true},
  ["/punchin/transport/playing"] = {args = {{name = "value", type = "i", optional = false}}, keys = false, reply = "", available = true},
  ["/punchin/transport/seconds"] = {args = {{name = "value", type = "d", optional = false}}, keys = false, reply = "", available = true},
  ["/punchin/transport/bpm"] = {args = {{name = "value", type = "f", optional = false}}, keys = false, reply = "", available = true},
  ["/punchin/selection/start"] = {args = {{name = "value", type = "d", optional = false}}, keys = false, reply = "", available = true},
  ["/punchin/selection/end"] = {args = {{name = "value", type = "d", optional = false}}, keys = false, reply = "", available = true},
  ["/punchin/context"] = {args = {}, keys = false, reply = "/punchin/context.reply", available = true},
  ["/punchin/generate"] = {args = {{name = "id", type = "s", optional = false}, {name = "source", type = "s", optional = true}}, keys = true, reply = "/punchin/accepted", available = true},
  ["/punchin/repaint"] = {args = {{name = "id", type = "s", optional = false}, {name = "source", type = "s", optional = true}}, keys = true, reply = "/punchin/accepted", available = true},
  ["/punchin/extend"] = {args = {{name = "id", type = "s", optional = false}, {name = "source", type = "s", optional = true}}, keys = true, reply = "/punchin/accepted", available = true},
  ["/punchin/bgm"] = {args = {{name = "id", type = "s", optional = false}, {name = "source", type = "s", optional = true}}, keys = true, reply = "/punchin/accepted", available = true},
  ["/punchin/cover"] = {args = {{name = "id", type = "s", optional = false}, {name = "source", type = "s", optional = true}}, keys = true, reply = "/punchin/accepted", available = true},
  ["/punchin/retake"] = {args = {{name = "id", type = "s", optional = false}, {name = "source", type = "s", optional = true}}, keys = true, reply = "/punchin/accepted", available = true},
  ["/punchin/edit"] = {args = {{name = "id", type = "s", optional = false}, {name = "source", type = "s", optional = true}}, keys = true, reply = "/punchin/accepted", available = true},
  ["/punchin/layer"] = {args = {{name = "id", type = "s", optional = false}, {name = "source", type = "s", optional = true}}, keys = true, reply = "/punchin/accepted", available = true},
  ["/punchin/stems"] = {args = {{name = "id", type = "s", optional = false}, {name = "source", type = "s", optional = true}}, keys = true, reply = "/punchin/accepted", available = true},
  ["/punchin/analyze"] = {args = {{name = "id", type = "s", optional = false}, {name = "source", type = "s", optional = true}}, keys = true, reply = "/punchin/accepted", available = true},
  ["/punchin/do"] = {args = {{name = "op", type = "s", optional = false}, {name = "value", type = "f", optional = true}}, keys = false, reply = "/punchin/accepted", available = true},
  ["/punchin/cancel"] = {args = {{name = "id", type = "s", optional = false}}, keys = false, reply = "/punchin/cancelled", available = true},
  ["/punchin/jobs"] = {args = {}, keys = false, reply = "/punchin/jobs.reply", available = true},
  ["/punchin/job"] = {args = {{name = "id", type = "s", optional = false}}, keys = false, reply = "/punchin/job.reply", available = true},
  ["/punchin/accept"] = {args = {{name = "id", type = "s", optional = false}, {name = "take", type = "i", optional = false}}, keys = false, reply = "/punchin/chosen", available = true},
  ["/punchin/forget"] = {args = {{name = "id", type = "s", optional = false}}, keys = false, reply = "/punchin/forgotten", available = true},
  ["/punchin/notify"] = {args = {{name = "on", type = "i", optional = false}, {name = "port", type = "i", optional = true}}, keys = false, reply = "", available = true},
  ["/punchin/version"] = {args = {}, keys = false, reply = "/punchin/version.reply", available = true},
  ["/punchin/status"] = {args = {}, keys = false, reply = "/punchin/status.reply", available = true},
  ["/punchin/sync"] = {args = {{name = "n", type = "i", optional = false}}, keys = false, reply = "/punchin/synced", available = true},
  ["/punchin/describe"] = {args = {}, keys = false, reply = "/punchin/describe.reply", available = true},
  ["/punchin/engine"] = {args = {{name = "name", type = "s", optional = false}, {name = "model", type = "s", optional = true}}, keys = false, reply = "/punchin/accepted", available = true},
  ["/punchin/presets"] = {args = {}, keys = false, reply = "/punchin/presets.reply", available = true},
  ["/punchin/dump"] = {args = {{name = "on", type = "i", optional = false}}, keys = false, reply = "", available = true},
  ["/punchin/quit"] = {args = {}, keys = false, reply = "/punchin/done", available = true},
  ["/punchin/play"] = {args = {{name = "id", type = "s", optional = false}, {name = "take", type = "i", optional = true}, {name = "role", type = "s", optional = true}}, keys = false, reply = "", available = false},
  ["/punchin/stop"] = {args = {}, keys = false, reply = "", available = false},
  ["/punchin/loop"] = {args = {{name = "on", type = "i", optional = false}}, keys = false, reply = "", available = false},
  ["/punchin/gain"] = {args = {{name = "gain", type = "f", optional = false}}, keys = false, reply = "", available = false},
  ["/punchin/launch"] = {args = {{name = "when", type = "s", optional = false}}, keys = false, reply = "", available = false},
  ["/punchin/solo"] = {args = {{name = "stem", type = "s", optional = false}}, keys = false, reply = "", available = false},
  ["/punchin/swap"] = {args = {{name = "id", type = "s", optional = false}, {name = "take", type = "i", optional = false}}, keys = false, reply = "", available = false},
  ["/punchin/player"] = {args = {}, keys = false, reply = "/punchin/player.reply", available = false},
}

M.KEYS = {
  start = {type = "d", unit = "seconds from the first sample of the source", low = -1000000.0, high = 1000000.0, meaning = "where the region begins", ops = {"analyze", "bgm", "cover", "edit", "extend", "layer", "repaint", "retake", "stems"}},
  ["end"] = {type = "d", unit = "seconds from the first sample of the source", low = -1000000.0, high = 1000000.0, meaning = "where the region ends", ops = {"analyze", "bgm", "cover", "edit", "extend", "layer", "repaint", "retake", "stems"}},
  start_frame = {type = "h", unit = "samples of the source", low = -9007199254740992, high = 9007199254740992, meaning = "where the region begins", ops = {"analyze", "bgm", "cover", "edit", "extend", "layer", "repaint", "retake", "stems"}},
  end_frame = {type = "h", unit = "samples of the source", low = -9007199254740992, high = 9007199254740992, meaning = "where the region ends", ops = {"analyze", "bgm", "cover", "edit", "extend", "layer", "repaint", "retake", "stems"}},
  start_beat = {type = "d", unit = "quarter notes", low = -1000000.0, high = 1000000.0, meaning = "where the region begins, quarter notes from the downbeat", ops = {"analyze", "bgm", "cover", "edit", "extend", "layer", "repaint", "retake", "stems"}},
  end_beat = {type = "d", unit = "quarter notes", low = -1000000.0, high = 1000000.0, meaning = "where the region ends, quarter notes from the downbeat", ops = {"analyze", "bgm", "cover", "edit", "extend", "layer", "repaint", "retake", "stems"}},
  clip_start = {type = "d", unit = "seconds from the first sample of the source", low = -1000000.0, high = 1000000.0, meaning = "where the part that may be heard as context begins", ops = {"analyze", "bgm", "cover", "edit", "extend", "layer", "repaint", "retake", "stems"}},
  clip_end = {type = "d", unit = "seconds from the first sample of the source", low = -1000000.0, high = 1000000.0, meaning = "where the part that may be heard as context ends", ops = {"analyze", "bgm", "cover", "edit", "extend", "layer", "repaint", "retake", "stems"}},
  clip_start_frame = {type = "h", unit = "samples of the source", low = -9007199254740992, high = 9007199254740992, meaning = "where the part that may be heard as context begins", ops = {"analyze", "bgm", "cover", "edit", "extend", "layer", "repaint", "retake", "stems"}},
  clip_end_frame = {type = "h", unit = "samples of the source", low = -9007199254740992, high = 9007199254740992, meaning = "where the part that may be heard as context ends", ops = {"analyze", "bgm", "cover", "edit", "extend", "layer", "repaint", "retake", "stems"}},
  side = {type = "s", choices = {"after", "before", "both"}, meaning = "where to extend", ops = {"extend"}},
  seconds = {type = "d", unit = "seconds", low = 0, high = 3600, meaning = "how much to make", ops = {"extend", "generate"}},
  bars = {type = "d", unit = "bars", low = 0, high = 1024, meaning = "how much to make", ops = {"extend", "generate"}},
  bpm = {type = "f", unit = "quarter notes per minute", low = 20, high = 400, meaning = "tempo, always in quarter notes per minute", ops = {"analyze", "bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake", "stems"}},
  meter = {type = "s", meaning = "metre", ops = {"analyze", "bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake", "stems"}},
  downbeat = {type = "d", unit = "seconds", low = -1000000.0, high = 1000000.0, meaning = "where in the source a bar starts", ops = {"analyze", "bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake", "stems"}},
  tempomap = {type = "s", meaning = "tempo and metre over the source", ops = {"analyze", "bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake", "stems"}},
  key = {type = "s", meaning = "musical key", ops = {"analyze", "bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake", "stems"}},
  stretch = {type = "i", low = 0, high = 1, meaning = "1: a clip with another tempo is first brought to `bpm`", ops = {"bgm", "cover", "edit", "extend", "layer", "repaint", "retake", "stems"}},
  prompt = {type = "s", high = 262144, meaning = "what it should sound like", ops = {"bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake"}},
  negative = {type = "s", high = 262144, meaning = "what it should not sound like", ops = {"bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake"}},
  lyrics = {type = "s", high = 262144, meaning = "the words, with [verse] [chorus] [bridge] tags", ops = {"bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake"}},
  lyrics_file = {type = "s", meaning = "a UTF-8 file with the lyrics", ops = {"bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake"}},
  language = {type = "s", high = 256, meaning = "language of the lyrics", ops = {"bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake"}},
  preset = {type = "s", high = 256, meaning = "values from presets/, overridden by explicit keys", ops = {"analyze", "bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake", "stems"}},
  seed = {type = "i", low = 0, high = 2147483647, meaning = "same request and seed: same samples; absent: chosen and reported", ops = {"analyze", "bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake", "stems"}},
  takes = {type = "i", low = 1, high = 8, meaning = "alternatives in one job", ops = {"bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake", "stems"}},
  strength = {type = "f", low = 0, high = 1, meaning = "how far from the source", ops = {"bgm", "cover", "edit", "extend", "layer", "repaint", "retake"}},
  steps = {type = "i", low = 1, high = 1000, meaning = "solver steps", ops = {"bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake"}},
  guidance = {type = "f", low = 0, high = 100, meaning = "how closely to follow the prompt", ops = {"bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake"}},
  context = {type = "f", unit = "seconds", low = 0, high = 3600, meaning = "source kept around the region as context", ops = {"analyze", "bgm", "cover", "edit", "extend", "layer", "repaint", "retake", "stems"}},
  ending = {type = "i", low = 0, high = 1, meaning = "1: the new music comes to an end", ops = {"bgm", "extend", "generate"}},
  balance = {type = "f", unit = "LU", low = -24, high = 12, meaning = "loudness of the new parts against the clip; absent: the engine's choice", ops = {"bgm", "layer"}},
  humanize = {type = "f", low = 0, high = 1, meaning = "how far notes stray from the grid, of what the style does; absent: 1", ops = {"bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake"}},
  swing = {type = "f", low = 0, high = 1, meaning = "how late off-beats come, 1 a full triplet; absent: the style's", ops = {"bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake"}},
  reference = {type = "s", meaning = "style or timbre to follow", ops = {"bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake"}},
  track = {type = "s", choices = {"vocals", "backing_vocals", "drums", "percussion", "bass", "guitar", "keyboard", "pad", "synth", "strings", "brass", "woodwinds", "fx", "other"}, meaning = "the instrument to add", ops = {"layer"}},
  stems = {type = "s", choices = {"vocals", "backing_vocals", "drums", "percussion", "bass", "guitar", "keyboard", "pad", "synth", "strings", "brass", "woodwinds", "fx", "other"}, meaning = "which stems to give back", ops = {"bgm", "generate", "stems"}},
  plan = {type = "s", meaning = "a plan (JSON or MIDI) to render instead of composing", ops = {"bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake"}},
  engine = {type = "s", high = 256, meaning = "overrides the default engine", ops = {"analyze", "bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake", "stems"}},
  of = {type = "s", meaning = "the result to vary", ops = {"edit", "retake"}},
  format = {type = "s", choices = {"source", "wav16", "wav24", "wav32f", "flac"}, meaning = "sample format of the results", ops = {"bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake", "stems"}},
  sinks = {type = "s", choices = {"file", "preview", "reastream", "jack"}, meaning = "where results go besides the job folder", ops = {"analyze", "bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake", "stems"}},
  folder = {type = "s", meaning = "results are also put here, and paths name these copies", ops = {"analyze", "bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake", "stems"}},
  priority = {type = "i", low = 0, high = 2, meaning = "2 goes before waiting jobs, never interrupts", ops = {"analyze", "bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake", "stems"}},
  slot = {type = "s", meaning = "a newly accepted job cancels earlier unfinished jobs of its slot", ops = {"analyze", "bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake", "stems"}},
  tag = {type = "s", high = 1024, meaning = "the client's own mark, kept in job.json and sent in accepted", ops = {"analyze", "bgm", "cover", "edit", "extend", "generate", "layer", "repaint", "retake", "stems"}},
}

M.EVENTS = {
  ["/punchin/accepted"] = {{name = "id", type = "s", optional = false}, {name = "op", type = "s", optional = false}, {name = "position", type = "i", optional = false}, {name = "tag", type = "s", optional = false}},
  ["/punchin/started"] = {{name = "id", type = "s", optional = false}, {name = "engine", type = "s", optional = false}},
  ["/punchin/progress"] = {{name = "id", type = "s", optional = false}, {name = "fraction", type = "f", optional = false}, {name = "stage", type = "s", optional = false}, {name = "eta_s", type = "f", optional = false}},
  ["/punchin/file"] = {{name = "id", type = "s", optional = false}, {name = "role", type = "s", optional = false}, {name = "take", type = "i", optional = false}, {name = "path", type = "s", optional = false}, {name = "seconds", type = "d", optional = false}},
  ["/punchin/done"] = {{name = "id", type = "s", optional = false}, {name = "json", type = "s", optional = false}},
  ["/punchin/failed"] = {{name = "id", type = "s", optional = false}, {name = "code", type = "i", optional = false}, {name = "name", type = "s", optional = false}, {name = "message", type = "s", optional = false}},
  ["/punchin/cancelled"] = {{name = "id", type = "s", optional = false}},
  ["/punchin/chosen"] = {{name = "id", type = "s", optional = false}, {name = "take", type = "i", optional = false}, {name = "tag", type = "s", optional = false}},
  ["/punchin/forgotten"] = {{name = "id", type = "s", optional = false}},
  ["/punchin/error"] = {{name = "code", type = "i", optional = false}, {name = "name", type = "s", optional = false}, {name = "address", type = "s", optional = false}, {name = "message", type = "s", optional = false}},
  ["/punchin/part"] = {{name = "name", type = "s", optional = false}, {name = "index", type = "i", optional = false}, {name = "count", type = "i", optional = false}, {name = "text", type = "s", optional = false}},
  ["/punchin/version.reply"] = {{name = "protocol", type = "i", optional = false}, {name = "version", type = "s", optional = false}},
  ["/punchin/synced"] = {{name = "n", type = "i", optional = false}},
  ["/punchin/context.reply"] = {{name = "json", type = "s", optional = false}},
  ["/punchin/status.reply"] = {{name = "json", type = "s", optional = false}},
  ["/punchin/describe.reply"] = {{name = "json", type = "s", optional = false}},
  ["/punchin/presets.reply"] = {{name = "json", type = "s", optional = false}},
  ["/punchin/jobs.reply"] = {{name = "json", type = "s", optional = false}},
  ["/punchin/job.reply"] = {{name = "json", type = "s", optional = false}},
  ["/punchin/player.reply"] = {{name = "json", type = "s", optional = false}},
}

M.ERRORS = {
  [100] = {name = "unknown-command", meaning = "no such address, or an address pattern"},
  [101] = {name = "bad-arguments", meaning = "wrong number, kind or form of arguments, or a packet that is not OSC"},
  [102] = {name = "unknown-key", meaning = "a key that the key table lacks; the nearest known one is named"},
  [103] = {name = "out-of-range", meaning = "a value outside its range"},
  [104] = {name = "bad-id", meaning = "a job id that can't be a folder's name everywhere"},
  [105] = {name = "id-conflict", meaning = "this id belongs to a job with other arguments"},
  [106] = {name = "too-large", meaning = "a text over 256 KiB, a tag over 1 kB, a frame over 1 MiB"},
  [107] = {name = "nothing-selected", meaning = "no source or region was given and the context has none"},
  [108] = {name = "unknown-job", meaning = "no job has this id"},
  [109] = {name = "queue-full", meaning = "1,000 jobs are waiting"},
  [200] = {name = "source-not-found", meaning = "nothing at that path"},
  [201] = {name = "source-unreadable", meaning = "a directory, text, truncated, empty, or not finite"},
  [202] = {name = "source-changed", meaning = "the file changed after the job was accepted"},
  [203] = {name = "region-outside", meaning = "the region is outside the file, inverted, or shorter than 10 ms"},
  [204] = {name = "path-forbidden", meaning = "a device, a pipe, a network URL, or outside the setting `roots`"},
  [300] = {name = "engine-unavailable", meaning = "no such engine, or it could not start"},
  [301] = {name = "not-supported-by-engine", meaning = "this engine or this version can't do that"},
  [302] = {name = "model-missing", meaning = "the engine has no model"},
  [303] = {name = "model-invalid", meaning = "the model's files are damaged or of another kind"},
  [304] = {name = "out-of-memory", meaning = "the engine ran out of memory"},
  [305] = {name = "worker-died", meaning = "the engine's process died, also when tried again"},
  [306] = {name = "stalled", meaning = "the engine made no progress for too long"},
  [307] = {name = "bad-output", meaning = "the engine's result was not finite, or of the wrong length"},
  [400] = {name = "disk-full", meaning = "no space left for results"},
  [401] = {name = "write-failed", meaning = "a file or folder could not be written"},
  [402] = {name = "audio-device", meaning = "the audio device is missing or refused"},
  [403] = {name = "midi-port", meaning = "the MIDI port is missing or refused"},
  [500] = {name = "internal", meaning = "a defect in Punchin"},
}

return M
