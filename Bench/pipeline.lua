-- wrk sends 16 requests at a time and waits for their 16 answers.
local depth = 16

function init()
  local requests = {}
  for n = 1, depth do
    requests[n] = wrk.format()
  end
  batch = table.concat(requests)
end

function request()
  return batch
end
