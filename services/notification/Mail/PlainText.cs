using System.Globalization;
using System.Text;

namespace Rollcall.Notification.Mail;

/// <summary>Other people's text, made safe for one line of a header or a text part.</summary>
public static class PlainText
{
    /// <summary>No line breaks, control or direction-changing characters; cut at a whole character.</summary>
    public static string Line(string text, int maxLength)
    {
        var line = new StringBuilder(Math.Min(text.Length, maxLength));
        foreach (var rune in text.EnumerateRunes())
        {
            if (line.Length + rune.Utf16SequenceLength > maxLength)
            {
                break;
            }

            line.Append(IsUnsafe(rune) ? " " : rune.ToString());
        }

        return line.ToString().Trim();
    }

    private static bool IsUnsafe(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.Control
                or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.PrivateUse
        || rune == Rune.ReplacementChar;
}
