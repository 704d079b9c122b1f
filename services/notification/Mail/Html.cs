using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace Rollcall.Notification.Mail;

/// <summary>
/// Finished markup. It is only made from an interpolated string, whose literal parts are markup and whose values are
/// encoded unless they are finished markup themselves: text of other people cannot get in any other way.
/// </summary>
public sealed class Html
{
    public static readonly Html Empty = new("");
    private readonly string markup;

    private Html(string markup) => this.markup = markup;

    public static Html Of(Builder builder) => new(builder.Result());

    /// <summary>The markup if the text it depends on is there, else nothing.</summary>
    public static Html If(string text, Func<Html> markup) => text.Length == 0 ? Empty : markup();

    public static Html Join(IEnumerable<Html> parts) => new(string.Concat(parts.Select(p => p.markup)));

    public override string ToString() => markup;

    /// <summary>What the compiler fills for <see cref="Of"/>. Values may stand in element content and quoted attributes.</summary>
    [InterpolatedStringHandler]
    public readonly ref struct Builder(int literalLength, int formattedCount)
    {
        private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);
        private readonly StringBuilder result = new(literalLength + (formattedCount * 32));

        public void AppendLiteral(string literal) => result.Append(literal);

        public void AppendFormatted(string value) => result.Append(Encoder.Encode(value));

        public void AppendFormatted(Html value) => result.Append(value.markup);

        internal string Result() => result.ToString();
    }
}
