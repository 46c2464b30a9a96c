"""What would happen on this machine, told without reading weights."""

from daemon.engines.acestep.outlook import outlook


def test_what_is_here_and_where_it_would_run(tiny_models):
    told = outlook(
        None, {"PUNCHIN_MODELS_FOLDER": str(tiny_models), "PUNCHIN_ENGINE_DEVICE": "cpu"}
    )
    assert told["checkpoints"] == ["acestep-v15-base", "acestep-v15-turbo"]
    assert "acestep-5Hz-lm-0.6B" in told["beside"]
    assert (told["placement"], told["trouble"]) == ("cpu, float32", "")


def test_what_a_load_would_end_with(tiny_turbo, tmp_path):
    told = outlook(None, {"PUNCHIN_MODELS_FOLDER": str(tmp_path / "none")})
    assert "punchin models pull turbo" in told["trouble"]
    told = outlook(str(tiny_turbo), {"PUNCHIN_ENGINE_DEVICE": "cuda:9"})
    assert told["trouble"].startswith("engine.device is cuda:9, which is not here")
    assert told["checkpoints"] == ["acestep-v15-turbo"]
