// Audit is a second auditor of our logs: it shares no code with the program that wrote them.
//
// It drives golang.org/x/mod/sumdb's note and tlog packages as the Go project ships them. Ours are
// only the mapping of paths and the two kinds of signature that those packages do not know.
//
//	audit log FOLDER KEYS              every entry, every tile and the checkpoint of a published log
//	audit extends FOLDER OLD KEYS      the log is an extension of the checkpoint in the file OLD
//	audit proof ENTRY PROOF KEYS       one entry and its tlog-proof, without the log
//
// KEYS is a file of verifier keys, one a line; every one of them must have signed. Exit 0: sound,
// 1: broken, 64: usage.
package main

import (
	"fmt"
	"os"
)

const usage = "usage: audit log FOLDER KEYS | extends FOLDER OLD KEYS | proof ENTRY PROOF KEYS"

func main() {
	said, err := run(os.Args[1:])
	if err == errUsage {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(64)
	}
	if err != nil {
		fmt.Println("BROKEN", err)
		os.Exit(1)
	}
	fmt.Println("SOUND", said)
}

var errUsage = fmt.Errorf("usage")

func run(args []string) (string, error) {
	switch {
	case len(args) == 3 && args[0] == "log":
		return auditLog(args[1], args[2])
	case len(args) == 4 && args[0] == "extends":
		return auditExtension(args[1], args[2], args[3])
	case len(args) == 4 && args[0] == "proof":
		return auditProof(args[1], args[2], args[3])
	}
	return "", errUsage
}
