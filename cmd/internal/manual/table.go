package manual

import (
	"strings"
)

// cells are those of a row of a table.
func cells(row string, plain bool) (list []string) {
	row = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(row), "|"), "|")
	row = strings.ReplaceAll(row, `\|`, "\u2502")
	for cell := range strings.SplitSeq(row, "|") {
		list = append(list, inline(strings.TrimSpace(strings.ReplaceAll(cell, "\u2502", "|")), plain))
	}
	return list
}

// isRule reports whether a row is the line below a table's head.
func isRule(row string) bool {
	return strings.Trim(row, "|-: \t") == "" && strings.Contains(row, "-")
}

// cellLeast is how narrow a column becomes at most.
const cellLeast = 12

// table lays rows out in columns: each as wide as its widest cell, and narrower where all together are wider than the screen.
func table(rows []string, wide int, plain bool) (lines []string) {
	var grid [][]string
	columns := 0
	for _, row := range rows {
		if !isRule(row) {
			grid = append(grid, cells(row, plain))
			columns = max(columns, len(grid[len(grid)-1]))
		}
	}
	widths := make([]int, columns)
	for _, row := range grid {
		for i, cell := range row {
			widths[i] = max(widths[i], width(cell))
		}
	}
	narrow(widths, wide-2*(columns-1))
	for n, row := range grid {
		height := 1
		parts := make([][]string, columns)
		for i, cell := range row {
			parts[i] = broken(cell, widths[i])
			height = max(height, len(parts[i]))
		}
		for y := range height {
			line := ""
			for i := range columns {
				text := ""
				if y < len(parts[i]) {
					text = parts[i][y]
				}
				if n == 0 && text != "" {
					text = string(boldOn) + text + string(off)
				}
				line += text
				if i < columns-1 {
					line += strings.Repeat(" ", max(0, widths[i]-width(text))+2)
				}
			}
			lines = append(lines, strings.TrimRight(line, " "))
		}
	}
	return lines
}

// narrow takes columns from the widest until all fit, or none is wide.
func narrow(widths []int, wide int) {
	for {
		sum, widest := 0, 0
		for i, w := range widths {
			sum += w
			if w > widths[widest] {
				widest = i
			}
		}
		if sum <= wide || len(widths) == 0 || widths[widest] <= cellLeast {
			return
		}
		widths[widest]--
	}
}
