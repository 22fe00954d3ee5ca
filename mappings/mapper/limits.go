package mapper

// The bounds of a mapping. They are far above what real documents need and
// exist so that neither a mapping file nor a document can stall the hub.
const (
	maxSourceBytes = 1 << 20  // a mapping file
	maxYAMLNodes   = 50_000   // nodes visited in a file, aliases counted each time
	maxYAMLDepth   = 40       // nesting of a file
	maxRows        = 5_000    // rows of a mapping
	maxExprBytes   = 4 << 10  // one expression
	maxExprNodes   = 1_000    // nodes of one expression
	maxExprDepth   = 60       // nesting of one expression
	maxPathSteps   = 32       // steps of one path
	maxProblems    = 100      // problems of a compile
	maxRunErrors   = 20       // errors of a run
	maxWork        = 5 << 20  // units of work of a run; a row or a call is one
	maxDepth       = 64       // nesting of a result
	maxNodes       = 500_000  // values of a result
	maxTextBytes   = 1 << 20  // one text that a function builds
	maxResultBytes = 32 << 20 // text of a whole result
	maxExprMemory  = 200_000  // list items an expression may create
	maxDigits      = 64       // characters of a number that takes part in arithmetic
)
