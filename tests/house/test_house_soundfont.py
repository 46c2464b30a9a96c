"""The setting `engine.soundfont` reaches the engine in its process; its trouble comes back."""


def configured(tmp_path, soundfont):
    config = tmp_path / "home" / "config"
    config.mkdir(parents=True)
    (config / "punchin.toml").write_text(f"[engine]\nsoundfont = '{soundfont}'\n")


def test_a_soundfont_that_is_not_there_is_told_by_name(make_house, tmp_path):
    path = tmp_path / "none.sf2"
    configured(tmp_path, path)
    with make_house(engine="sketch").tcp() as client:
        client.send("/punchin/generate", "job", "seconds", 2, "prompt", "pop")
        failed = client.until("failed", id="job")
    assert failed.args[1] == 303
    assert str(path) in failed.args[3]
