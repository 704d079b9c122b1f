using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Rollcall.DirectorySync.Data.Migrations
{
    /// <inheritdoc />
    public partial class KeepPropertiesAsText : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropPrimaryKey(
                name: "pk_membership",
                table: "membership");

            migrationBuilder.DropIndex(
                name: "ix_membership_client_id_member_object_id",
                table: "membership");

            migrationBuilder.RenameIndex(
                name: "ix_membership_client_id_group_object_id",
                table: "membership",
                newName: "ix_membership_client_id_group_object_id1");

            migrationBuilder.AlterColumn<string>(
                name: "properties",
                table: "directory_user",
                type: "text",
                nullable: false,
                oldClrType: typeof(string),
                oldType: "jsonb");

            migrationBuilder.AddPrimaryKey(
                name: "pk_membership",
                table: "membership",
                columns: new[] { "client_id", "member_object_id", "group_object_id" });

            migrationBuilder.CreateIndex(
                name: "ix_membership_client_id_group_object_id",
                table: "membership",
                columns: new[] { "client_id", "group_object_id" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropPrimaryKey(
                name: "pk_membership",
                table: "membership");

            migrationBuilder.DropIndex(
                name: "ix_membership_client_id_group_object_id",
                table: "membership");

            migrationBuilder.RenameIndex(
                name: "ix_membership_client_id_group_object_id1",
                table: "membership",
                newName: "ix_membership_client_id_group_object_id");

            migrationBuilder.AlterColumn<string>(
                name: "properties",
                table: "directory_user",
                type: "jsonb",
                nullable: false,
                oldClrType: typeof(string),
                oldType: "text");

            migrationBuilder.AddPrimaryKey(
                name: "pk_membership",
                table: "membership",
                columns: new[] { "client_id", "group_object_id", "member_object_id" });

            migrationBuilder.CreateIndex(
                name: "ix_membership_client_id_member_object_id",
                table: "membership",
                columns: new[] { "client_id", "member_object_id" });
        }
    }
}
