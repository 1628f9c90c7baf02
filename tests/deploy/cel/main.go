// Decides one request by the expressions of a ValidatingAdmissionPolicy, in the order and with the
// variables of kube-apiserver (k8s.io/apiserver/pkg/admission/plugin/policy/validating), on the
// release of cel-go that Kubernetes 1.30 has. What evaluates to an error is a denial: failurePolicy
// Fail.
//
// Standard input: {"spec": of the policy, "request": ..., "object": ..., "oldObject": ...}.
// Standard output: the messages of the validations that fail, or null when the policy is about
// something else.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
)

type expression struct{ Name, Expression, Message string }

type input struct {
	Spec struct{ MatchConditions, Variables, Validations []expression }

	Request, Object, OldObject map[string]any
}

type evaluator struct {
	env   *cel.Env
	known map[string]any
}

func newEvaluator(in input) (*evaluator, error) {
	env, err := cel.NewEnv(
		cel.OptionalTypes(), cel.HomogeneousAggregateLiterals(), ext.Strings(),
		cel.Variable("request", cel.DynType), cel.Variable("object", cel.DynType),
		cel.Variable("oldObject", cel.DynType),
		cel.Variable("variables", cel.MapType(cel.StringType, cel.DynType)))
	known := map[string]any{"request": in.Request, "object": in.Object,
		"oldObject": in.OldObject, "variables": map[string]any{}}
	return &evaluator{env, known}, err
}

func (e *evaluator) value(text string) (any, error) {
	ast, issues := e.env.Compile(text)
	if issues.Err() != nil {
		log.Fatal(issues.Err()) // the policy would not be accepted
	}
	program, err := e.env.Program(ast)
	if err != nil {
		log.Fatal(err)
	}
	value, _, err := program.Eval(e.known)
	return value, err
}

func (e *evaluator) holds(text string) (bool, error) {
	value, err := e.value(text)
	if err != nil {
		return false, err
	}
	result, ok := value.(interface{ Value() any }).Value().(bool)
	if !ok {
		log.Fatalf("no bool: %s", text)
	}
	return result, nil
}

func decide(in input) ([]string, error) {
	e, err := newEvaluator(in)
	if err != nil {
		return nil, err
	}
	for _, condition := range in.Spec.MatchConditions {
		if matches, err := e.holds(condition.Expression); err != nil || !matches {
			return nil, err
		}
	}
	variables := e.known["variables"].(map[string]any)
	for _, variable := range in.Spec.Variables {
		value, err := e.value(variable.Expression)
		if err != nil {
			return []string{err.Error()}, nil
		}
		variables[variable.Name] = value
	}
	denials := []string{}
	for _, validation := range in.Spec.Validations {
		holds, err := e.holds(validation.Expression)
		if err != nil {
			denials = append(denials, err.Error())
		} else if !holds {
			denials = append(denials, validation.Message)
		}
	}
	return denials, nil
}

func main() {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		log.Fatal(err)
	}
	denials, err := decide(in)
	if err != nil {
		log.Fatal(err)
	}
	text, _ := json.Marshal(denials)
	fmt.Println(string(text))
}
