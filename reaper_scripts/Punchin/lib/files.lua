-- @noindex
-- Small files: read whole, written whole under another name and then renamed, so that no reader
-- ever sees half of one. Paths are UTF-8, as REAPER has them.

local M = {}

M.SEPARATOR = package.config:sub(1, 1)

--- Join folders and a name.
function M.join(...) return (table.concat({...}, M.SEPARATOR):gsub("([/\\])[/\\]+", "%1")) end

--- Return all bytes of a file, or nil and the reason; also when it has more than `most` bytes.
function M.read(path, most)
  local file, reason = io.open(path, "rb")
  if not file then return nil, reason end
  -- A folder opens on some systems, and has no size.
  local size = file:seek("end")
  if not size or most and size > most then
    file:close()
    return nil, "it is too big"
  end
  file:seek("set", 0)
  local bytes, trouble = file:read("a")
  file:close()
  return bytes, trouble
end

--- Return how many bytes a file has, nil for none.
function M.size(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local size = file:seek("end")
  file:close()
  return size
end

--- Write a file whole; return true, or nil and the reason.
function M.write(path, bytes)
  local draft = path .. ".draft"
  local file, reason = io.open(draft, "wb")
  if not file then return nil, reason end
  local ok, trouble = file:write(bytes)
  local closed, later = file:close()
  if not ok or not closed then
    os.remove(draft)
    return nil, trouble or later
  end
  -- Windows renames over nothing that exists.
  if M.SEPARATOR == "\\" then os.remove(path) end
  return os.rename(draft, path)
end

--- Whether files can be written in a folder; else nil and the reason.
function M.writable(folder)
  local path = M.join(folder, ".punchin-draft")
  local file, reason = io.open(path, "wb")
  if not file then return nil, reason end
  file:close()
  os.remove(path)
  return true
end

--- Whether a file can be opened.
function M.exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

return M
