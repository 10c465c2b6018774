-- What takes back the writes of this step, each by a function of its own, if a later one fails.
local undo = {}

local function undoing(takeBack)
  undo[#undo + 1] = takeBack
end
