local done, answer = pcall(step)
if done then
  return answer
end
for i = #undo, 1, -1 do
  pcall(undo[i])
end
return redis.error_reply(type(answer) == 'table' and answer.err or answer)
