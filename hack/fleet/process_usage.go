package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// clockTicksPerSecond is the unit of the times in /proc/PID/stat, which is the same on every Linux platform that Go supports.
	clockTicksPerSecond = 100
	// usageInterval is the time between two readings of the usage of the processes.
	usageInterval = time.Second
)

// usageSample is what a process has used at a time.
type usageSample struct {
	at         time.Time
	cpuSeconds float64 // since the process started
	bytes      int64   // resident
	fileBytes  int64   // of these, pages of files: those of the program
}

// usage is what a process used in a phase.
type usage struct {
	// cores is CPU time by wall-clock time.
	cores float64
	// meanBytes and maxBytes are resident memory. meanFileBytes of it are pages of the program's file.
	meanBytes, maxBytes, meanFileBytes int64
}

// usageMeter reads the usage of processes from /proc once a second.
type usageMeter struct {
	mu      sync.Mutex
	pids    map[string]int
	samples map[string][]usageSample
	stopped chan struct{}
	done    chan struct{}
}

func startUsageMeter() *usageMeter {
	m := &usageMeter{pids: map[string]int{}, samples: map[string][]usageSample{}, stopped: make(chan struct{}), done: make(chan struct{})}
	go m.run()
	return m
}

func (m *usageMeter) run() {
	defer close(m.done)
	ticker := time.NewTicker(usageInterval)
	defer ticker.Stop()
	for {
		select {
		case <-m.stopped:
			return
		case now := <-ticker.C:
			m.read(now)
		}
	}
}

// add measures a process from now on.
func (m *usageMeter) add(name string, pid int) {
	m.mu.Lock()
	m.pids[name] = pid
	m.mu.Unlock()
	m.read(time.Now())
}

// remove no longer measures a process. Its samples stay.
func (m *usageMeter) remove(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.pids, name)
}

func (m *usageMeter) read(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, pid := range m.pids {
		if sample, err := readUsage(pid, now); err == nil { // otherwise it has ended
			m.samples[name] = append(m.samples[name], sample)
		}
	}
}

// stop ends the readings.
func (m *usageMeter) stop() {
	close(m.stopped)
	<-m.done
}

// between returns what a process used from one time to another. The mean is of the samples in between.
func (m *usageMeter) between(name string, from, to time.Time) usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return summarizeUsage(m.samples[name], from, to)
}

func summarizeUsage(samples []usageSample, from, to time.Time) usage {
	in := slices.DeleteFunc(slices.Clone(samples), func(s usageSample) bool { return s.at.Before(from) || s.at.After(to) })
	if len(in) == 0 {
		return usage{}
	}
	first, last := in[0], in[len(in)-1]
	var out usage
	if elapsed := last.at.Sub(first.at).Seconds(); elapsed > 0 {
		out.cores = (last.cpuSeconds - first.cpuSeconds) / elapsed
	}
	for _, s := range in {
		out.meanBytes += s.bytes / int64(len(in))
		out.meanFileBytes += s.fileBytes / int64(len(in))
		out.maxBytes = max(out.maxBytes, s.bytes)
	}
	return out
}

// readUsage reads the CPU time and the resident memory of a process from /proc.
func readUsage(pid int, now time.Time) (usageSample, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usageSample{}, err
	}
	memory, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return usageSample{}, err
	}
	sample, errStat := parseStat(string(stat), now, int64(os.Getpagesize()))
	sample.fileBytes, err = parseFileMemory(string(memory), int64(os.Getpagesize()))
	return sample, errors.Join(errStat, err)
}

// parseFileMemory returns the bytes of the file pages in a /proc/PID/statm (proc_pid_statm(5)): the third field.
func parseFileMemory(statm string, pageBytes int64) (int64, error) {
	fields := strings.Fields(statm)
	if len(fields) < 3 {
		return 0, fmt.Errorf("/proc/PID/statm has %d fields", len(fields))
	}
	pages, err := strconv.ParseInt(fields[2], 10, 64)
	return pages * pageBytes, err
}

// The fields of /proc/PID/stat after the name of the program (proc_pid_stat(5)): state is the first.
const (
	fieldParent, fieldUserTime, fieldSystemTime, fieldResidentPages = 1, 11, 12, 21
)

// statFields returns the fields of /proc/PID/stat after the name of the program, which may itself contain spaces and parentheses.
func statFields(stat string) (program string, fields []string, err error) {
	begin, end := strings.Index(stat, "("), strings.LastIndex(stat, ")")
	if begin < 0 || end < begin {
		return "", nil, errors.New("/proc/PID/stat has no name of a program")
	}
	fields = strings.Fields(stat[end+1:])
	if len(fields) <= fieldResidentPages {
		return "", nil, fmt.Errorf("/proc/PID/stat has %d fields after the name of the program", len(fields))
	}
	return stat[begin+1 : end], fields, nil
}

func parseStat(stat string, now time.Time, pageBytes int64) (usageSample, error) {
	_, fields, err := statFields(stat)
	if err != nil {
		return usageSample{}, err
	}
	user, errUser := strconv.ParseInt(fields[fieldUserTime], 10, 64)
	system, errSystem := strconv.ParseInt(fields[fieldSystemTime], 10, 64)
	pages, errPages := strconv.ParseInt(fields[fieldResidentPages], 10, 64)
	return usageSample{at: now, cpuSeconds: float64(user+system) / clockTicksPerSecond, bytes: pages * pageBytes},
		errors.Join(errUser, errSystem, errPages)
}

// findChild returns the process of that name whose parent is this process: envtest does not tell the ids of what it starts.
func findChild(program string) (int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // the process has ended
		}
		name, fields, err := statFields(string(stat))
		if err == nil && name == program && fields[fieldParent] == strconv.Itoa(os.Getpid()) {
			return strconv.Atoi(filepath.Base(filepath.Dir(file)))
		}
	}
	return 0, fmt.Errorf("there is no process %s: the test needs /proc of Linux", program)
}
