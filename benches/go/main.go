// A side of the benchmark: the vendor's Go client.
//
// Reads one order a line, carries it out, and answers with a line: nanoseconds of wall time and of CPU time, of this
// process alone.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	incus "github.com/lxc/incus/v6/client"
	"github.com/lxc/incus/v6/shared/api"
)

const name = "bench"

func main() {
	server, err := incus.ConnectIncusUnix(os.Args[1], nil)
	if err != nil {
		fail(err)
	}
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		words := strings.Split(orders.Text(), " ")
		started, before := time.Now(), cpuTime()
		err := obey(server, words[0], words[1:])
		wall := time.Since(started)
		if err != nil {
			fail(err)
		}
		fmt.Println(wall.Nanoseconds(), (cpuTime() - before).Nanoseconds())
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "the Go client:", err)
	os.Exit(1)
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	if err != nil {
		fail(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func obey(server incus.InstanceServer, order string, args []string) error {
	switch order {
	case "get":
		_, _, err := server.GetInstance(name)
		return err
	case "list":
		_, err := server.GetInstances(api.InstanceTypeAny)
		return err
	case "exec":
		return run(server, args)
	case "launch":
		return launch(server, args[0])
	case "push":
		return push(server, args[0])
	case "pull":
		return pull(server, args[0])
	}
	return fmt.Errorf("no order %q", order)
}

// Reads all output, and looks at the exit status.
func run(server incus.InstanceServer, command []string) error {
	request := api.InstanceExecPost{Command: command, WaitForWS: true}
	done := make(chan bool)
	streams := incus.InstanceExecArgs{Stdout: io.Discard, Stderr: io.Discard, DataDone: done}
	op, err := server.ExecInstance(name, request, &streams)
	if err != nil {
		return err
	}
	err = op.Wait()
	if err != nil {
		return err
	}
	<-done
	if op.Get().Metadata["return"] != float64(0) {
		return fmt.Errorf("%v failed", command)
	}
	return nil
}

func launch(server incus.InstanceServer, name string) error {
	request := api.InstancesPost{Name: name, Start: true}
	request.Source = api.InstanceSource{Type: "image", Alias: "busybox"}
	op, err := server.CreateInstance(request)
	if err != nil {
		return err
	}
	return op.Wait()
}

func push(server incus.InstanceServer, from string) error {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	args := incus.InstanceFileArgs{Content: file, Type: "file", WriteMode: "overwrite"}
	return server.CreateInstanceFile(name, "/root/f", args)
}

func pull(server incus.InstanceServer, to string) error {
	content, _, err := server.GetInstanceFile(name, "/root/f")
	if err != nil {
		return err
	}
	defer content.Close()
	file, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	if err != nil {
		return err
	}
	return file.Close()
}
