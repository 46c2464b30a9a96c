-- @noindex
-- Small files: read whole, written whole under another name and then renamed, so that no reader
-- ever sees half of one. Paths are UTF-8, as REAPER has them.

local M = {}

M.SEPARATOR = package.config:sub(1, 1)

--- Join folders and a name.
function M.join(...) return (table.concat({...}, M.SEPARATOR):gsub("([/\\])[/\\]+", "%1")) end

--- Return all bytes of a file, or nil and the reason.
function M.read(path)
  local file, reason = io.open(path, "rb")
  if not file then return nil, reason end
  local bytes, trouble = file:read("a")
  file:close()
  return bytes, trouble
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

--- Whether a file can be opened.
function M.exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

return M
