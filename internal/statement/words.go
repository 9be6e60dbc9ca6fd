package statement

import (
	"reflect"
	"strings"
	"unicode"

	"github.com/multigres/multigres/go/common/parser/ast"
)

// whyOpaque says why a statement may do anything, in words that people know from writing it.
func whyOpaque(tree ast.Stmt) string {
	words := command(tree)
	switch tree.(type) {
	case *ast.ExecuteStmt:
		return "EXECUTE runs a statement that was prepared before: send the statement itself"
	case *ast.DoStmt:
		return "DO runs code that is not looked into"
	case *ast.CallStmt:
		return "CALL runs a procedure, which may do anything"
	case *ast.LoadStmt:
		return "LOAD runs the code of a library"
	case *ast.RefreshMatViewStmt:
		return words + " replaces the view's rows"
	case *ast.ReindexStmt, *ast.ClusterStmt:
		return words + " rewrites what is stored"
	case *ast.CommentStmt:
		return words + " changes the system catalogs"
	case *ast.GrantStmt, *ast.GrantRoleStmt, *ast.AlterDefaultPrivilegesStmt, *ast.SecLabelStmt,
		*ast.CreatePolicyStmt, *ast.AlterPolicyStmt, *ast.ReassignOwnedStmt, *ast.DropOwnedStmt:
		return words + " changes who may see what"
	case *ast.CreateRoleStmt, *ast.AlterRoleStmt, *ast.DropRoleStmt:
		return words + " changes a role"
	case *ast.AlterSystemStmt, *ast.AlterRoleSetStmt, *ast.AlterDatabaseSetStmt:
		return words + " changes settings"
	}
	verb, _, _ := strings.Cut(words, " ")
	if verb == "CREATE" || verb == "ALTER" || verb == "DROP" || verb == "IMPORT" {
		return words + " changes the schema"
	}
	return words + " is not known to be harmless"
}

// command names a statement by its first words, as CREATE TABLE. Most of the parser's types are called so.
func command(tree ast.Stmt) string {
	if words := objectCommand(tree); words != "" {
		return words
	}
	kind := kindOf(tree)
	if words := commands[kind]; words != "" {
		return words
	}
	var words strings.Builder
	for i, r := range strings.TrimSuffix(kind, "Stmt") {
		if i > 0 && unicode.IsUpper(r) {
			words.WriteByte(' ')
		}
		words.WriteRune(unicode.ToUpper(r))
	}
	return words.String()
}

// objectCommand names the statements of which the parser has one type for many kinds of objects.
func objectCommand(tree ast.Stmt) string {
	switch n := tree.(type) {
	case *ast.DefineStmt:
		return "CREATE " + n.Kind.String()
	case *ast.DropStmt:
		return "DROP " + n.RemoveType.String()
	case *ast.AlterTableStmt:
		return "ALTER " + n.Objtype.String()
	case *ast.CreateTableAsStmt:
		if n.ObjType == ast.OBJECT_MATVIEW {
			return "CREATE MATERIALIZED VIEW"
		}
		return "CREATE TABLE AS"
	case *ast.CreateFunctionStmt:
		if n.IsProcedure {
			return "CREATE PROCEDURE"
		}
	case *ast.GrantStmt:
		return grant(n.IsGrant)
	case *ast.GrantRoleStmt:
		return grant(n.IsGrant)
	}
	return ""
}

func grant(is bool) string {
	if is {
		return "GRANT"
	}
	return "REVOKE"
}

// commands are the statements that the parser calls otherwise than SQL does.
var commands = map[string]string{
	"CreateStmt": "CREATE TABLE", "IndexStmt": "CREATE INDEX", "ViewStmt": "CREATE VIEW", "RuleStmt": "CREATE RULE",
	"CreateSeqStmt": "CREATE SEQUENCE", "AlterSeqStmt": "ALTER SEQUENCE", "CreatedbStmt": "CREATE DATABASE",
	"DropdbStmt": "DROP DATABASE", "CreateFdwStmt": "CREATE FOREIGN DATA WRAPPER",
	"AlterFdwStmt": "ALTER FOREIGN DATA WRAPPER", "CreateForeignServerStmt": "CREATE SERVER",
	"AlterForeignServerStmt": "ALTER SERVER", "CreateTableSpaceStmt": "CREATE TABLESPACE",
	"AlterTableSpaceStmt": "ALTER TABLESPACE", "DropTableSpaceStmt": "DROP TABLESPACE",
	"AlterTableMoveAllStmt": "ALTER TABLE", "CreateAmStmt": "CREATE ACCESS METHOD", "CreateStatsStmt": "CREATE STATISTICS",
	"AlterStatsStmt": "ALTER STATISTICS", "CreateOpClassStmt": "CREATE OPERATOR CLASS",
	"CreateOpFamilyStmt": "CREATE OPERATOR FAMILY", "AlterOpFamilyStmt": "ALTER OPERATOR FAMILY",
	"CreatePLangStmt": "CREATE LANGUAGE", "CreateEnumStmt": "CREATE TYPE", "CompositeTypeStmt": "CREATE TYPE",
	"CreateRangeStmt": "CREATE TYPE", "AlterEnumStmt": "ALTER TYPE", "AlterCompositeTypeStmt": "ALTER TYPE",
	"AlterTSConfigurationStmt": "ALTER TEXT SEARCH CONFIGURATION", "AlterTSDictionaryStmt": "ALTER TEXT SEARCH DICTIONARY",
	"CreateEventTrigStmt": "CREATE EVENT TRIGGER", "AlterEventTrigStmt": "ALTER EVENT TRIGGER",
	"AlterExtensionContentsStmt": "ALTER EXTENSION", "RenameStmt": "ALTER ... RENAME",
	"AlterObjectSchemaStmt": "ALTER ... SET SCHEMA", "AlterOwnerStmt": "ALTER ... OWNER TO",
	"AlterObjectDependsStmt": "ALTER ... DEPENDS ON", "AlterDatabaseRefreshCollStmt": "ALTER DATABASE",
	"RefreshMatViewStmt": "REFRESH MATERIALIZED VIEW", "SecLabelStmt": "SECURITY LABEL", "AlterRoleSetStmt": "ALTER ROLE",
	"AlterDatabaseSetStmt": "ALTER DATABASE",
}

// expressionWords names a part of a statement, for a reason.
func expressionWords(n ast.Node) string {
	kind := kindOf(n)
	switch {
	case strings.HasPrefix(kind, "Xml"):
		return "SQL's own syntax for XML (XMLELEMENT and the like)"
	case kind == "RangeTableFunc":
		return "XMLTABLE"
	case kind == "JsonTable":
		return "JSON_TABLE"
	case strings.HasPrefix(kind, "Json"):
		return "SQL's own syntax for JSON (JSON_OBJECT, JSON_VALUE and the like)"
	case kind == "SetToDefault":
		return "DEFAULT as a value"
	default:
		return kind
	}
}

// kindOf gives the parser's word for a node, which says enough where there is no better one, and can't be wrong.
func kindOf(n ast.Node) string { return strings.TrimPrefix(reflect.TypeOf(n).String(), "*ast.") }
