// The load balancer before the API servers of the HA shape: "balancer LISTEN BACKEND,BACKEND,…". Plain TCP, asking each
// backend's /readyz once a second. A backend that is marked down has its sessions closed, as HAProxy's
// "on-marked-down shutdown-sessions" does: a kubelet keeps one HTTP/2 connection for ever and would otherwise stay with
// an API server that no longer answers, until its node is NotReady.
package main

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type backend struct {
	address string
	up      atomic.Bool
	mu      sync.Mutex
	open    map[net.Conn]struct{}
}

func (b *backend) watch(client *http.Client) {
	for {
		ready := false
		if answer, err := client.Get("https://" + b.address + "/readyz"); err == nil {
			ready = answer.StatusCode == http.StatusOK
			answer.Body.Close()
		}
		if was := b.up.Swap(ready); was != ready {
			log.Printf("%s ready=%v", b.address, ready)
			if was {
				b.closeSessions()
			}
		}
		time.Sleep(time.Second)
	}
}

func (b *backend) closeSessions() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for session := range b.open {
		session.Close()
	}
}

func (b *backend) keep(session net.Conn) {
	b.mu.Lock()
	b.open[session] = struct{}{}
	b.mu.Unlock()
}

func (b *backend) forget(session net.Conn) {
	b.mu.Lock()
	delete(b.open, session)
	b.mu.Unlock()
}

// Those that are up first; while none is, any that takes a connection: before kubeadm init has ended none is ready.
func dial(backends []*backend, turn int) (*backend, net.Conn) {
	for _, onlyUp := range []bool{true, false} {
		for i := range backends {
			b := backends[(turn+i)%len(backends)]
			if onlyUp && !b.up.Load() {
				continue
			}
			if session, err := net.DialTimeout("tcp", b.address, time.Second); err == nil {
				return b, session
			}
		}
	}
	return nil, nil
}

func serve(client net.Conn, backends []*backend, turn int) {
	defer client.Close()
	b, session := dial(backends, turn)
	if b == nil {
		return
	}
	defer session.Close()
	b.keep(session)
	defer b.forget(session)
	go func() {
		io.Copy(session, client)
		session.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(client, session)
}

func main() {
	insecure := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	client := &http.Client{Timeout: time.Second, Transport: insecure}
	backends := []*backend{}
	for _, address := range strings.Split(os.Args[2], ",") {
		b := &backend{address: address, open: map[net.Conn]struct{}{}}
		backends = append(backends, b)
		go b.watch(client)
	}
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for turn := 0; ; turn++ {
		connection, err := listener.Accept()
		if err != nil {
			continue
		}
		go serve(connection, backends, turn)
	}
}
