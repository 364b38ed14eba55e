package top

import (
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/monitor"
	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

func (t tables) eventsTable() table {
	out := table{empty: "nothing has happened in the last hour", columns: []column{
		{name: "TIME", least: 8},
		{name: "AGO", least: 6, right: true, rank: 1},
		{name: "OF", least: 7, most: 24},
		{name: "EVENT", least: 8, most: 20},
		{name: "CAUSE", least: 20, flex: true},
	}}
	marks := t.s.figures.Marks
	for i := len(marks) - 1; i >= 0; i-- { // the newest first
		k := &marks[i]
		ago := t.s.at.Sub(k.At).Seconds()
		out.rows = append(out.rows, row{key: markKey(k), values: []value{
			text(k.At.Local().Format(time.TimeOnly)), number(ago, age(max(ago, 0))), text(markOf(k)), styled(markStyle(k), markWord(k)), text(markText(k)),
		}})
	}
	return out
}

func markKey(k *monitor.Mark) string {
	return strconv.FormatInt(k.At.UnixNano(), 36) + k.Kind + k.App + k.Worker
}

// markOf is what it happened to.
func markOf(k *monitor.Mark) string {
	switch {
	case k.Worker != "":
		return k.Worker
	case k.App != "":
		return k.App
	}
	return "server"
}

func markWord(k *monitor.Mark) string { return strings.ReplaceAll(k.Kind, "_", " ") }

// markText is the cause, and how often the same has happened again.
func markText(k *monitor.Mark) string {
	if k.Repeated > 0 {
		return strings.TrimPrefix(k.Text+", "+strconv.Itoa(k.Repeated+1)+" times within a minute", ", ")
	}
	return k.Text
}

func markStyle(k *monitor.Mark) screen.Style {
	if k.Bad {
		return redBold
	}
	return green
}
