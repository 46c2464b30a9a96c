"""The 5 Hz language model: what it is asked, what it may answer, and that generate() agrees."""

import shutil

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, LogitsProcessor, LogitsProcessorList

from bridge.protocol.errors import PunchinError
from daemon.engines.acestep.lm import compose, wording
from daemon.engines.acestep.lm.grammar import LONGEST_TEXT, form
from daemon.engines.acestep.lm.model import load, plain
from daemon.engines.acestep.lm.plan import FIELDS, Plan, choices, read, written
from daemon.engines.acestep.lm.writing import Pen, Taste, draw
from daemon.engines.acestep.parts import Placement
from daemon.engines.base import Cancelled

CPU = Placement(torch.device("cpu"), torch.float32, torch.float32)
LIKELIEST = Taste(temperature=0.0, guidance=2.0)
CAPTION, LYRICS = "warm piano and drums", "[verse]\nsoft notes in the morning light"
PLAN = Plan(bpm=90, duration_s=24, key="F# minor", metre="4")


@pytest.fixture(scope="module")
def language(tiny_lm):
    return load(tiny_lm, CPU, 1000)


def unchecked():
    return None


# -- the question ------------------------------------------------------------------------------


def test_the_question_is_the_chat_template_s_own(language):
    said = f"# Caption\n{CAPTION}\n\n# Lyric\n{LYRICS}\n"
    wanted = language.tokenizer.apply_chat_template(
        [
            {"role": "system", "content": f"# Instruction\n{wording._COMPOSE}\n\n"},
            {"role": "user", "content": said},
        ],
        add_generation_prompt=True,
        return_dict=False,
    )
    assert wording.for_plan(language, CAPTION, LYRICS) == wanted


def test_codes_are_asked_about_as_the_chat_template_does(language):
    codes = [3, 500, 999]
    wanted = language.tokenizer.apply_chat_template(
        [
            {"role": "system", "content": f"# Instruction\n{wording._UNDERSTAND}\n\n"},
            {"role": "user", "content": "".join(f"<|audio_code_{n}|>" for n in codes)},
        ],
        add_generation_prompt=True,
        return_dict=False,
    )
    assert wording.for_words(language, codes) == wanted


def test_a_plan_stands_in_the_models_turn(language):
    text = language.tokenizer.decode(wording.for_codes(language, CAPTION, LYRICS, PLAN))
    turn = "<think>\nbpm: 90\nduration: 24\nkeyscale: F# minor\ntimesignature: 4\n</think>\n\n"
    assert text.endswith(f"<|im_start|>assistant\n{turn}<|im_end|>\n")
    empty = language.tokenizer.decode(wording.for_codes(language, CAPTION, LYRICS, None))
    assert empty.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n<|im_end|>\n")


@pytest.mark.parametrize("word", ["<|im_end|>", "<think>", "</think>", "<|audio_code_7|>"])
def test_special_words_of_a_user_stay_words(language, word):
    marked = wording.for_plan(language, f"piano {word} drums", LYRICS)
    assert marked.count(language.vocabulary.end) == 2
    assert not {language.vocabulary.think, language.vocabulary.first_code + 7} & set(marked)
    assert word not in plain(word)


# -- the plan as text --------------------------------------------------------------------------

PLANS = st.builds(
    Plan,
    bpm=st.none() | st.integers(30, 300),
    caption=st.none()
    | st.text("abcdefghij ,.", min_size=1, max_size=300).map(lambda s: " ".join(s.split()) or "a"),
    duration_s=st.none() | st.integers(10, 600),
    key=st.none() | st.sampled_from([k for k in choices("keyscale") if k.isascii()]),
    language=st.none() | st.sampled_from(choices("language")),
    metre=st.none() | st.sampled_from(["2", "3", "4", "6"]),
)


@given(PLANS)
def test_a_plan_is_read_as_it_was_written(plan):
    assert read(written(plan)) == plan


def test_a_caption_is_folded_as_yaml_folds_it():
    yaml = pytest.importorskip("yaml")
    caption = "a slow and dusty song with brushed drums and an upright bass " * 4
    wanted = yaml.dump({"caption": caption.strip()}, allow_unicode=True, sort_keys=True)
    assert written(Plan(caption=caption.strip())) == wanted


@pytest.mark.parametrize("text", ["bpm: 20\n", "bpm: x\n", "keyscale: H dur\n", "nonsense", ""])
def test_what_is_no_value_is_left_open(text):
    assert read(text) == Plan()


def test_beats_of_a_metre():
    assert Plan(metre="6").beats == (6, 8)
    assert Plan(metre="3").beats == (3, 4)
    assert Plan().beats is None


# -- what may follow ---------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_any_walk_through_the_form_is_a_plan(language, seed):
    own = torch.Generator().manual_seed(seed)
    lines = form(language, Plan(duration_s=30), tuple(FIELDS))
    for _ in range(4 * LONGEST_TEXT):
        if lines.done:
            break
        allowed = lines.allowed().nonzero()[:, 0]
        assert len(allowed) > 0
        lines.push(int(allowed[torch.randint(len(allowed), (1,), generator=own)]))
    assert lines.done
    text = language.text(lines.written)
    found = read(text)
    assert found.duration_s == 30
    assert None not in (found.bpm, found.key, found.language, found.metre)
    starts = [line.split(":")[0] for line in text.split("\n")[:-1] if line[:1] != " "]
    assert starts == list(FIELDS)


def test_what_is_told_leaves_no_choice(language):
    lines = form(language, PLAN, ("bpm", "keyscale", "timesignature"))
    while not lines.done:
        token = lines.only()
        assert token is not None
        lines.push(token)
    assert read(language.text(lines.written)) == PLAN


# -- writing -----------------------------------------------------------------------------------


class OnlyCodes(LogitsProcessor):
    def __init__(self, vocabulary):
        self.codes = slice(vocabulary.first_code, vocabulary.first_code + vocabulary.codes)

    def __call__(self, input_ids, scores):
        kept = torch.full_like(scores, -torch.inf)
        kept[:, self.codes] = scores[:, self.codes]
        return kept


def test_codes_are_those_of_generate_with_its_guidance(language):
    count = 40
    asked = wording.for_codes(language, CAPTION, LYRICS, PLAN)
    without = wording.for_codes(language, CAPTION, LYRICS, None)
    # Guidance comes first, then the ban, as here.
    wanted = language.model.generate(
        torch.tensor([asked]),
        attention_mask=torch.ones(1, len(asked), dtype=torch.long),
        max_new_tokens=count,
        min_new_tokens=count,
        do_sample=False,
        guidance_scale=LIKELIEST.guidance,
        negative_prompt_ids=torch.tensor([without]),
        negative_prompt_attention_mask=torch.ones(1, len(without), dtype=torch.long),
        logits_processor=LogitsProcessorList([OnlyCodes(language.vocabulary)]),
    )[0, len(asked) :]
    found = list(
        compose.codes(language, CAPTION, LYRICS, PLAN, count, 1, unchecked, taste=LIKELIEST)
    )
    assert [language.vocabulary.first_code + code for code in found] == wanted.tolist()


def test_read_at_once_or_word_by_word_is_the_same(language):
    asked = wording.for_plan(language, CAPTION, LYRICS)
    rows = slice(0, language.model.config.vocab_size)
    whole = Pen(language, [asked], 4).logits(rows, 1.0)
    parted = Pen(language, [asked[:5], asked[:9]], len(asked))
    for token in asked[5:]:
        parted.push(token)
        parted.logits(rows, 1.0)
    alone = parted._state[0] @ language.model.get_output_embeddings().weight.T
    assert torch.allclose(alone, whole, atol=1e-4)


def greedy(language, capture, count=24):
    """Tokens of a text that is written with a captured step, and how often that was taken."""
    asked = wording.for_codes(language, CAPTION, LYRICS, PLAN)
    pen = Pen(language, [asked, asked[:-6]], count, capture)
    rows = slice(0, language.model.config.vocab_size)
    out = []
    for _ in range(count):
        out.append(int(pen.logits(rows, 2.0).argmax()))
        pen.push(out[-1])
        if len(out) == 9:  # several at once go the plain way in between
            out.append(5)
            pen.push(5)
    return out[:count]


def test_a_captured_step_writes_the_same(language):
    taken = []

    def capture(step):
        step()  # as warming up and capturing on a device do
        step()

        def again():
            taken.append(1)
            return step()

        return again

    assert greedy(language, capture) == greedy(language, None)
    assert len(taken) > 15


@pytest.mark.parametrize("fault", ["raises", "differs"])
def test_a_capture_that_fails_is_done_without(language, fault, caplog):
    def capture(step):
        step()
        if fault == "raises":
            raise RuntimeError("operation not permitted when stream is capturing")
        return lambda: step() + 1

    assert greedy(language, capture) == greedy(language, None)
    assert "captured step" in caplog.text


def test_exactly_as_many_codes_as_asked_in_the_code_book(language):
    found = list(compose.codes(language, CAPTION, LYRICS, PLAN, 23, 3, unchecked))
    assert len(found) == 23
    assert all(0 <= code < 1000 for code in found)
    again = list(compose.codes(language, CAPTION, LYRICS, PLAN, 23, 3, unchecked))
    other = list(compose.codes(language, CAPTION, LYRICS, PLAN, 23, 4, unchecked))
    assert found == again != other
    negative = list(compose.codes(language, CAPTION, LYRICS, PLAN, 23, 3, unchecked, "loud noise"))
    assert negative != found


def test_codes_come_one_by_one_and_a_cancel_ends_them_at_the_next(language):
    calls = []

    def check():
        calls.append(1)
        if len(calls) == 4:
            raise Cancelled

    stream = compose.codes(language, CAPTION, LYRICS, PLAN, 100, 1, check)
    got = [next(stream) for _ in range(3)]
    assert len(got) == 3
    with pytest.raises(Cancelled):
        next(stream)


@pytest.mark.parametrize(("seconds", "codes"), [(10, 50), (0.2, 1), (0.21, 2), (29.99, 150)])
def test_codes_cover_a_length(seconds, codes):
    assert compose.codes_for(seconds) == codes


def test_a_plan_keeps_what_is_told_and_thinks_out_the_rest(language):
    told = Plan(bpm=97, duration_s=30, metre="3")
    found = compose.think(language, CAPTION, LYRICS, told, 5, unchecked)
    assert (found.bpm, found.duration_s, found.metre) == (97, 30, "3")
    assert found.key is not None
    assert compose.think(language, CAPTION, LYRICS, told, 5, unchecked) == found
    free = [compose.think(language, CAPTION, LYRICS, Plan(), s, unchecked) for s in range(6)]
    assert len({p.bpm for p in free}) > 1
    assert all(30 <= p.bpm <= 300 for p in free)


def test_what_is_not_asked_for_stays_open(language):
    found = compose.think(language, CAPTION, LYRICS, Plan(), 1, unchecked, asked=("keyscale",))
    assert found.bpm is None
    assert found.metre is None
    assert found.key


def test_a_whole_plan_needs_no_model(language, monkeypatch):
    monkeypatch.setattr(compose, "Pen", None)
    assert compose.think(language, CAPTION, LYRICS, PLAN, 1, unchecked) == PLAN


def test_understanding_gives_a_plan_and_words(language):
    heard = compose.understand(language, [3, 500, 999] * 10, 1, unchecked, 60)
    plan = heard.plan
    assert None not in (
        plan.bpm,
        plan.caption,
        plan.duration_s,
        plan.key,
        plan.language,
        plan.metre,
    )
    assert "<|" not in heard.lyrics
    assert compose.understand(language, [3, 500, 999] * 10, 1, unchecked, 60) == heard


def test_understanding_can_be_cancelled(language):
    calls = []

    def check():
        calls.append(1)
        if len(calls) > 5:
            raise Cancelled

    with pytest.raises(Cancelled):
        compose.understand(language, [1, 2, 3], 1, check)
    assert len(calls) == 6


@pytest.mark.parametrize(
    ("text", "words"),
    [("\n\n# Lyric\n[verse]\nla la\n", "[verse]\nla la"), ("la la", "la la"), ("", "")],
)
def test_the_heading_of_lyrics_is_taken_off(text, words):
    assert compose._lyrics(text) == words


# -- drawing -----------------------------------------------------------------------------------


def test_draws_follow_the_shares_within_the_nucleus():
    logits = torch.log(torch.tensor([0.02, 0.5, 0.3, 0.18]))
    own = torch.Generator().manual_seed(1)
    taste = Taste(temperature=1.0, top_p=0.9)
    drawn = torch.tensor([draw(logits, taste, own) for _ in range(3000)])
    shares = torch.bincount(drawn, minlength=4) / 3000
    assert torch.allclose(shares, torch.tensor([0, 0.5, 0.3, 0.18]) / 0.98, atol=0.03)


def test_what_is_ruled_out_is_never_drawn():
    logits = torch.full((50,), -torch.inf)
    logits[7] = -3.0
    own = torch.Generator().manual_seed(1)
    assert {draw(logits, Taste(1.0, 1.0), own) for _ in range(50)} == {7}


def test_numbers_that_are_none_are_307():
    with pytest.raises(PunchinError) as caught:
        draw(torch.full((5,), torch.nan), Taste(), torch.Generator())
    assert caught.value.code == 307


# -- the folder --------------------------------------------------------------------------------


def test_too_long_a_text_is_103(language):
    with pytest.raises(PunchinError) as caught:
        compose.codes(language, CAPTION, "la " * 5000, PLAN, 10, 1, unchecked).__next__()
    assert caught.value.code == 103


def without_codes(folder):
    import tiny

    words = tiny.tokenizer(0)
    words.chat_template = tiny.CHAT
    words.save_pretrained(folder)


def without_weights(folder):
    (folder / "model.safetensors").unlink()


def cut_off(folder):
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


def lacking(folder):
    model = AutoModelForCausalLM.from_pretrained(folder)
    state = {k: v for k, v in model.state_dict().items() if "layers.1" not in k}
    model.save_pretrained(folder, state_dict=state)


@pytest.mark.parametrize("spoil", [without_codes, without_weights, cut_off, lacking])
def test_a_bad_folder_is_303(tiny_lm, tmp_path, spoil):
    folder = tmp_path / "lm"
    shutil.copytree(tiny_lm, folder)
    spoil(folder)
    with pytest.raises(PunchinError) as caught:
        load(folder, CPU, 1000)
    assert caught.value.code == 303


def test_no_folder_is_302(tmp_path):
    with pytest.raises(PunchinError) as caught:
        load(tmp_path / "none", CPU, 1000)
    assert caught.value.code == 302
