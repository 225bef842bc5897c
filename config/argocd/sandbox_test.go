package argocd

import (
	"context"
	"errors"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// now is the time in the sandbox: in two hours it is another year.
var now = time.Date(2026, 12, 31, 22, 30, 5, 0, time.UTC)

// runScript runs a script as Argo CD does, and returns what it returns: with only the base, package and table libraries, with a timeout
// of a second, and with the object in the global variable obj. The error is that of the script.
func runScript(t *testing.T, script string, obj map[string]any) (lua.LValue, error) {
	t.Helper()
	return runScriptAt(t, now, script, obj)
}

func runScriptAt(t *testing.T, at time.Time, script string, obj map[string]any) (lua.LValue, error) {
	t.Helper()
	l := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer l.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable,
	} {
		if err := l.CallByParam(lua.P{Fn: l.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			t.Fatalf("opening the library %q: %v", name, err)
		}
	}
	l.PreloadModule(lua.OsLibName, func(l *lua.LState) int {
		l.Push(l.SetFuncs(l.NewTable(), clockFunctions(at)))
		return 1
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	l.SetContext(ctx)
	l.SetGlobal("actionParams", l.NewTable())
	l.SetGlobal("obj", luaValue(t, l, obj))
	if err := l.DoString(script); err != nil {
		var problem *lua.ApiError
		if errors.As(err, &problem) && problem.Type == lua.ApiErrorRun {
			problem.StackTrace = "" // as Argo CD shows it
		}
		return nil, err
	}
	return l.Get(-1), nil
}

// clockFunctions are what Argo CD leaves of the library os, as far as it depends on no time zone of the machine: os.date with a time
// other than now formats it in the time zone of the machine, also where the format asks for UTC.
func clockFunctions(at time.Time) map[string]lua.LGFunction {
	return map[string]lua.LGFunction{
		"time": func(l *lua.LState) int {
			if l.GetTop() > 0 {
				l.RaiseError("os.time with a table depends on the time zone of the machine")
			}
			l.Push(lua.LNumber(at.Unix()))
			return 1
		},
		"date": func(l *lua.LState) int {
			if l.GetTop() > 1 {
				l.RaiseError("os.date with a time depends on the time zone of the machine")
			}
			utc := at.UTC()
			switch format := l.CheckString(1); format {
			case "!*t":
				table := l.NewTable()
				for name, value := range map[string]int{
					"year": utc.Year(), "month": int(utc.Month()), "day": utc.Day(), "hour": utc.Hour(), "min": utc.Minute(), "sec": utc.Second(),
				} {
					table.RawSetString(name, lua.LNumber(value))
				}
				l.Push(table)
			case "!%Y-%m-%dT%H:%M:%SZ":
				l.Push(lua.LString(utc.Format(time.RFC3339)))
			default:
				l.RaiseError("os.date: the tests do not know the format %q", format)
			}
			return 1
		},
	}
}

// luaValue converts a JSON value to a Lua value.
func luaValue(t *testing.T, l *lua.LState, v any) lua.LValue {
	t.Helper()
	switch v := v.(type) {
	case bool:
		return lua.LBool(v)
	case float64:
		return lua.LNumber(v)
	case string:
		return lua.LString(v)
	case []any:
		table := l.NewTable()
		for _, element := range v {
			table.Append(luaValue(t, l, element))
		}
		return table
	case map[string]any:
		table := l.NewTable()
		for key, element := range v {
			table.RawSetString(key, luaValue(t, l, element))
		}
		return table
	default:
		t.Fatalf("unexpected value %v of type %T: want a JSON value", v, v)
		return nil
	}
}

// goValue converts a Lua value to a JSON value. An empty table is nil, because Lua does not distinguish an empty list from an empty map.
func goValue(v lua.LValue) any {
	switch v := v.(type) {
	case *lua.LNilType:
		return nil
	case lua.LBool:
		return bool(v)
	case lua.LNumber:
		return float64(v)
	case *lua.LTable:
		if v.Len() > 0 {
			list := make([]any, 0, v.Len())
			for n := 1; n <= v.Len(); n++ {
				list = append(list, goValue(v.RawGetInt(n)))
			}
			return list
		}
		var values map[string]any
		v.ForEach(func(key, value lua.LValue) {
			if values == nil {
				values = map[string]any{}
			}
			values[lua.LVAsString(key)] = goValue(value)
		})
		if values == nil {
			return nil
		}
		return values
	default:
		return lua.LVAsString(v)
	}
}
