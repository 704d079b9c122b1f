using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Rollcall.DirectorySync.Data.Migrations
{
    /// <inheritdoc />
    public partial class MarkStagedPages : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<bool>(
                name: "has_pages",
                table: "client_sync",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            // Rounds under way begin afresh: their pages don't say yet which directory they are from.
            migrationBuilder.Sql("delete from staged_page");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "has_pages",
                table: "client_sync");
        }
    }
}
