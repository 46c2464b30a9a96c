"""REAPER's functions on undo, actions, the machine it runs on, and what it says to people."""

# ruff: noqa: N802 -- the names are REAPER's own

from __future__ import annotations

from pathlib import Path

from fake_model import new_guid

# -- undo and drawing ------------------------------------------------------------------------------


def Undo_BeginBlock2(w, proj):
    if w.block_depth == 0:
        w.block_before = w.resolve(proj).snapshot()
    w.block_depth += 1


def Undo_EndBlock2(w, proj, name, flags):
    if w.block_depth == 0:
        raise w.breach("Undo_EndBlock2 without Undo_BeginBlock2")
    w.block_depth -= 1
    if w.block_depth == 0:
        w.resolve(proj).undo.append((name, w.block_before))


def PreventUIRefresh(w, step):
    w.refresh_depth += int(step)


def UpdateArrange(w):
    return None


def UpdateTimeline(w):
    return None


def UpdateItemInProject(w, item):
    return None


def TrackList_AdjustWindows(w, minor):
    return None


def Main_OnCommandEx(w, command, flag, proj):
    if int(command) not in w.registered:
        raise w.breach(f"action {command}: scripts here only run scripts of their own")
    w.due.append(w.registered[int(command)])


def AddRemoveReaScript(w, add, section, path, commit):
    if not add or not Path(path).is_file():
        return 0
    known = {v: k for k, v in w.registered.items()}
    number = known.get(path, 50_000 + len(w.registered))
    w.registered[number] = path
    return number


def RefreshToolbar2(w, section, command):
    return None


def SetToggleCommandState(w, section, command, state):
    w.toggles[int(command)] = int(state)
    return True


def GetToggleCommandStateEx(w, section, command):
    return w.toggles.get(int(command), -1)


# -- the machine -----------------------------------------------------------------------------------


def GetOS(w):
    return w.system


def GetAppVersion(w):
    return w.version


def GetResourcePath(w):
    return str(w.resource)


def time_precise(w):
    return w.clock_s


def genGuid(w, text):
    return new_guid()


def file_exists(w, path):
    return Path(path).is_file()


def RecursiveCreateDirectory(w, path, ignored):
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError:
        return 0
    return 1


def EnumerateFiles(w, path, idx):
    try:
        names = sorted(p.name for p in Path(path).iterdir() if p.is_file())
    except OSError:
        names = []
    return names[int(idx)] if 0 <= idx < len(names) else None


def ExecProcess(w, command, timeout):
    if timeout >= 0:
        raise w.breach("ExecProcess with a timeout blocks REAPER's window")
    w.run_commands.append((command, int(timeout)))
    if w.on_command:
        w.on_command(command)
    return "0\n"


def APIExists(w, name):
    return name not in w.missing and name in dir(__import__("fake_api"))


def ColorToNative(w, r, g, b):
    return int(r) | int(g) << 8 | int(b) << 16


# -- talking to the musician -----------------------------------------------------------------------


def MB(w, text, title, kind):
    w.boxes.append((title, text))
    return w.answers.pop(0) if w.answers else (1 if kind in (0, 1) else 6 if kind in (3, 4) else 1)


ShowMessageBox = MB


def ShowConsoleMsg(w, text):
    w.console.append(text)


def GetUserInputs(w, title, count, captions, values):
    # Captions are parted by commas, values by the separator that the captions name.
    separator = captions.split("separator=")[1][0] if "separator=" in captions else ","
    names = [n for n in captions.split(",") if not n.startswith(("extrawidth=", "separator="))]
    if count > 16:
        raise w.breach("GetUserInputs has at most 16 fields")
    if len(names) != count:
        raise w.breach(f"GetUserInputs: {count} fields, but the captions {names}")
    w.forms.append((title, names, values.split(separator)))
    if not w.answers:
        return False, values
    told = w.answers.pop(0)
    return (False, values) if told is None else (True, separator.join(told))


def Help_Set(w, text, is_temporary):
    w.console.append(f"status: {text}")
