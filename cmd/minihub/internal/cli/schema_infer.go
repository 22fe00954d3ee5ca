package cli

import "github.com/spf13/cobra"

func (r *root) schemaInferCommand() *cobra.Command { return &cobra.Command{Use: "infer", Hidden: true} }
