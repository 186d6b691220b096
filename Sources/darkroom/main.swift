import Schedulers
import Foundation
var table = ""
for p in Presets.all {
  try p.config.json.write(toFile: "schedules/\(p.name).json", atomically: true, encoding: .utf8)
  table += "| `\(p.name)` | \(p.summary) |\n"
}
print(table, terminator: "")
