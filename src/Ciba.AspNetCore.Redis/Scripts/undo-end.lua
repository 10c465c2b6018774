local done, answer = pcall(step)
if done then
  return answer
end
for i = #undo, 1, -1 do
  pcall(undo[i])
end
if type(answer) == 'table' then
  return answer
end
error(answer, 0)
